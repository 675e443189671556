import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { silentLogger } from '@perch/runtime';
import { FakeClock } from '@perch/testkit';
import { listTokensIn, revokeTokenIn } from '../index.ts';
import { openState } from '../state.ts';
import { AppSessions } from './app-sessions.ts';
import { hashSecret } from './secret.ts';
import { Tokens } from './tokens.ts';

const clock = new FakeClock();
const token = {
  id: '1f2e3d4c5b6a',
  hash: hashSecret('the token'),
  topic: 'front/*',
  scope: ['write', 'read'],
  created: '2025-12-01T00:00:00.000Z',
  expires: '2026-02-01T00:00:00.000Z',
};
const session = { hash: hashSecret('the cookie'), expires: '2026-02-01T00:00:00.000Z' };

function directoryWith(t: { after(f: () => void): void }, files: Readonly<Record<string, string>>): string {
  const data = mkdtempSync(join(tmpdir(), 'perch-import-'));
  t.after(() => rmSync(data, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(data, name), text);
  return data;
}

test('what version 0.1 kept in files is taken over', async (t) => {
  const data = directoryWith(t, {
    'tokens.json': JSON.stringify([token]),
    'app-sessions.json': JSON.stringify([session]),
  });
  const place = { data, clock, logger: silentLogger };
  await using database = await openState(place);
  const tokens = new Tokens({ ...place, database });
  const found = await tokens.find('the token');
  assert.deepEqual(
    { ...found, lastUsed: undefined },
    {
      id: token.id,
      household: 'home',
      topic: 'front/*',
      scope: ['read', 'write'],
      created: Date.parse(token.created),
      expires: Date.parse(token.expires),
      lastUsed: undefined,
    },
  );
  const kept = await new AppSessions({ ...place, database }).find('the cookie');
  assert.equal(kept?.expires, Date.parse(session.expires));
  assert.deepEqual(
    readdirSync(data).filter((name) => name.includes('json')),
    ['app-sessions.json.imported', 'tokens.json.imported'],
  );
});

test('a file is taken over once, even where its renaming was cut off', async (t) => {
  const file = JSON.stringify([token]);
  const data = directoryWith(t, { 'tokens.json': file });
  const place = { data, clock, logger: silentLogger };
  assert.ok(await revokeTokenIn({ ...place, id: token.id }));
  writeFileSync(join(data, 'tokens.json'), file);
  assert.deepEqual(await listTokensIn(place), []);
  assert.ok(!existsSync(join(data, 'tokens.json')));
});

test('several who start at once take it over once', async (t) => {
  const data = directoryWith(t, { 'tokens.json': JSON.stringify([token]) });
  const place = { data, clock, logger: silentLogger };
  const lists = await Promise.all([1, 2, 3].map(() => listTokensIn(place)));
  assert.deepEqual(
    lists.map((list) => list.map(({ id }) => id)),
    [[token.id], [token.id], [token.id]],
  );
});

test('a file that cannot be understood is named, and nothing of it is taken over', async (t) => {
  const cases: readonly [string, RegExp][] = [
    ['{ oops', /tokens\.json cannot be understood .*remove it/],
    ['{}', /it must be a list/],
    ['[1]', /it must be a list/],
    [JSON.stringify([token, { ...token, id: 'b', hash: 'c', expires: 'soon' }]), /entry 1: "expires"/],
    [JSON.stringify([{ ...token, scope: ['admin'] }]), /entry 0: scope/],
  ];
  for (const [file, message] of cases) {
    const data = directoryWith(t, { 'tokens.json': file });
    const place = { data, clock, logger: silentLogger };
    await assert.rejects(listTokensIn(place), { code: 'data-damaged', message });
    assert.equal(readFileSync(join(data, 'tokens.json'), 'utf8'), file);
    rmSync(join(data, 'tokens.json'));
    assert.deepEqual(await listTokensIn(place), []);
  }
});

test('to look at a directory without a relay makes nothing there', async (t) => {
  const data = directoryWith(t, {});
  const place = { data, clock, logger: silentLogger };
  assert.deepEqual(await listTokensIn(place), []);
  assert.equal(await revokeTokenIn({ ...place, id: 'x' }), false);
  assert.deepEqual(readdirSync(data), []);
});
