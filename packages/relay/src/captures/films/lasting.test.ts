import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { dropTorn } from './lasting.ts';

test('what was made of films is kept over a restart of the relay, and not over one of the machine', async (t) => {
  const directory = join(mkdtempSync(join(tmpdir(), 'perch-shown-')), 'shown');
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  await dropTorn(directory);
  mkdirSync(join(directory, 'film'));
  writeFileSync(join(directory, 'film', 'film-1.mp4'), 'made');
  await dropTorn(directory);
  assert.deepEqual(readdirSync(directory).sort(), ['boot', 'film']);
  writeFileSync(join(directory, 'boot'), 'another');
  await dropTorn(directory);
  assert.deepEqual(readdirSync(directory), ['boot']);
});
