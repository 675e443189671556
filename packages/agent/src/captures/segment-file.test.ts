import assert from 'node:assert/strict';
import { test } from 'node:test';
import { extensionOf, readFileName } from './segment-file.ts';

test("a camera program's file name says trigger, second and number", () => {
  const film = { trigger: 'pir', timestamp: 1_795_000_000, segment: 3 };
  for (const name of [
    'pir.1795000000.3.mp4',
    'pir.1795000000.3.ts',
    'pir.1795000000.3',
    'pir.1795000000.03.a.b',
  ])
    assert.deepEqual(readFileName(name), film, name);
  assert.equal(readFileName('cap.1795000000.0.mp4')?.trigger, 'cap');
});

test('a file that is named otherwise says nothing', () => {
  for (const name of [
    'film.mp4',
    'pir.0.0.mp4',
    'pir.x.0.mp4',
    'pir.1.x.mp4',
    'pir.1.mp4',
    'PIR.1.0.mp4',
    'cap.99999999999999.0.mp4',
    'cap.1.1000001.mp4',
    'xpir.1.0.mp4',
    'pir.1.0mp4',
    '',
  ])
    assert.equal(readFileName(name), undefined, name);
});

test('an extension travels in small letters; one that cannot is bin', () => {
  assert.equal(extensionOf('/a/b.MP4'), 'mp4');
  assert.equal(extensionOf('/a/pir.1.0.ts'), 'ts');
  for (const path of ['/a/film', '/a.b/film', '/a/film.ogg-theora', '/a/film.', '/a/film.verylongone'])
    assert.equal(extensionOf(path), 'bin', path);
});
