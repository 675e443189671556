import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { AgentError } from '../errors.ts';
import { checkRelays, controlAddress, relayListFile } from './relay-list.ts';
import { RequestError } from './session.ts';

async function directory(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'perch-relays-'));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

test('the list of relays is kept whole, for its owner only', async (t) => {
  const data = await directory(t);
  const file = relayListFile(data);
  assert.equal(await file.load(), undefined, 'an agent that was never moved has none');
  const list = { relays: ['https://b.example', 'https://c.example:8443'], before: ['https://a.example'] };
  await file.save({ relays: ['https://b.example'], before: [] });
  await file.save(list);
  assert.deepEqual(await file.load(), list);
  assert.deepEqual(await readdir(data), ['relays.json']);
  assert.equal((await stat(join(data, 'relays.json'))).mode & 0o077, 0);
});

test('a list that cannot be written is not taken: the old one is there', async (t) => {
  const data = await directory(t);
  const file = relayListFile(data);
  const list = { relays: ['https://a.example'], before: [] };
  await file.save(list);
  // Even root cannot open a directory to write.
  await mkdir(join(data, 'relays.json.new'));
  await assert.rejects(file.save({ relays: ['https://b.example'], before: [] }));
  assert.deepEqual(await file.load(), list);
});

test('a damaged list is named, and not taken for none', async (t) => {
  const data = await directory(t);
  const path = join(data, 'relays.json');
  for (const text of [
    '',
    '{',
    'null',
    '{"version":2,"relays":[],"before":[]}',
    '{"version":1,"relays":"x"}',
  ]) {
    await writeFile(path, text);
    await assert.rejects(
      relayListFile(data).load(),
      (error) =>
        error instanceof AgentError && error.code === 'relays-corrupt' && error.message.includes(path),
      text,
    );
    assert.equal(await readFile(path, 'utf8'), text, 'it is left for whoever mends it');
  }
});

test('addresses are kept in one form, each once', () => {
  const given = [
    'https://Relay.example/',
    'https://relay.example:443',
    'http://127.0.0.1:8080',
    'https://x.example/perch/',
  ];
  assert.deepEqual(checkRelays(given), [
    'https://relay.example',
    'http://127.0.0.1:8080',
    'https://x.example/perch',
  ]);
  assert.equal(controlAddress('https://x.example/perch'), 'wss://x.example/perch/agent');
  for (const wrong of [
    'http://relay.example',
    'https://a@relay.example',
    'relay',
    7,
    null,
    'https://relay.example#x',
  ]) {
    assert.throws(() => checkRelays([wrong]), RequestError, String(wrong));
  }
  assert.throws(() => checkRelays(Array(9).fill('https://relay.example')), /a list of 1 to 8 addresses/);
});
