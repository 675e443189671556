import assert from 'node:assert/strict';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { copyFilms } from './films.ts';

function twoPlaces(t: { after(end: () => void): void }): { from: string; to: string } {
  const directory = mkdtempSync(join(tmpdir(), 'perch-films-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return { from: join(directory, 'from'), to: join(directory, 'to') };
}

function film(root: string, device: string, capture: string, files: Record<string, string>): void {
  mkdirSync(join(root, device, capture), { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(root, device, capture, name), text);
}

describe('films in a backup', () => {
  it('are copied once; what is new follows, and what was deleted stays', async (t) => {
    const { from, to } = twoPlaces(t);
    assert.deepEqual(await copyFilms(from, to), { files: 0, bytes: 0, already: 0 }, 'no film was ever here');
    film(from, 'yard', 'a', { '0-aa.mp4': 'one', '1-bb.mp4': 'second' });
    film(from, 'door', 'b', { '0-cc.mp4': 'third' });
    assert.deepEqual(await copyFilms(from, to), { files: 3, bytes: 14, already: 0 });
    rmSync(join(from, 'door'), { recursive: true });
    film(from, 'yard', 'c', { '0-dd.mp4': 'new' });
    // A copy that broke off, and one that is not whole.
    film(to, 'yard', 'a', { '0-aa.mp4.new': 'o', '1-bb.mp4': 'sec' });
    assert.deepEqual(await copyFilms(from, to), { files: 2, bytes: 9, already: 1 });
    assert.equal(readFileSync(join(to, 'yard/a/1-bb.mp4'), 'utf8'), 'second');
    assert.equal(readFileSync(join(to, 'door/b/0-cc.mp4'), 'utf8'), 'third');
    // And back.
    rmSync(from, { recursive: true });
    assert.equal((await copyFilms(to, from)).files, 4);
    assert.deepEqual(readdirSync(join(from, 'yard/a')).sort(), ['0-aa.mp4', '1-bb.mp4']);
  });

  it('are files: no link leads out of their directory', async (t) => {
    const { from, to } = twoPlaces(t);
    film(from, 'yard', 'a', { '0-aa.mp4': 'one' });
    symlinkSync('/etc/passwd', join(from, 'yard/a/1-bb.mp4'));
    symlinkSync('/etc', join(from, 'etc'));
    assert.deepEqual(await copyFilms(from, to), { files: 1, bytes: 3, already: 0 });
  });
});
