import assert from 'node:assert/strict';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { noRules, type RuleSet, ruleFile } from './file.ts';
import { noMotion } from './motion-rule.ts';

async function directory(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'perch-rules-'));
  t.after(async () => {
    await chmod(path, 0o700);
    await rm(path, { recursive: true, force: true });
  });
  return path;
}

const rules: RuleSet = {
  streams: new Map([
    ['stream/x', { stream: 'stream/x', feeds: ['v', 'a'] }],
    ['', { stream: '', feeds: null }],
    ['stream/y', { stream: 'stream/y', feeds: null, alternatives: [['v', 'a'], ['w']] }],
  ]),
  feeds: new Map([['a', { feed: 'a', delayMs: 20 }]]),
  motion: new Map([['a', { ...noMotion('a'), isOn: true, zones: [{ x: 0, y: 0, width: 0.5, height: 1 }] }]]),
  destinations: new Map([
    [
      '0',
      { id: '0', stream: 'stream/x', destination: 'wss://x/in/y', token: 'T', protocol: 'perch.1' as const },
    ],
    ['1', { id: '1', stream: 'v', destination: '', token: '' }],
  ]),
};

test('rules come back as they were saved', async (t) => {
  const path = await directory(t);
  await ruleFile(path).save(rules);
  assert.deepEqual(await ruleFile(path).load(), rules);
});

test('a file from before there were feed rules, or with a stream of streams, is still understood', async (t) => {
  const path = await directory(t);
  const old = { version: 1, streams: [{ stream: 'stream/x', feeds: ['stream/x'] }], destinations: [] };
  await writeFile(join(path, 'rules.json'), JSON.stringify(old));
  const loaded = await ruleFile(path).load();
  assert.deepEqual([loaded.streams.size, loaded.feeds.size], [1, 0]);
});

test('no file is no rules', async (t) => {
  assert.deepEqual(await ruleFile(await directory(t)).load(), noRules);
});

test('the file is for its owner alone, and nothing is left beside it', async (t) => {
  const path = await directory(t);
  await ruleFile(path).save(rules);
  assert.equal((await stat(join(path, 'rules.json'))).mode & 0o777, 0o600);
  assert.deepEqual(await readdir(path), ['rules.json']);
});

for (const [what, content, words] of [
  ['half a file', '{"version":1,"streams":[', /rules\.json cannot be understood/],
  ['an empty file', '', /cannot be understood/],
  ['another version', '{"version":2,"streams":[],"destinations":[]}', /version is 2/],
  ['no lists', '{"version":1}', /must be lists/],
  ['a bad rule', '{"version":1,"streams":[{"stream":5}],"destinations":[]}', /`stream` must be a string/],
] as const) {
  test(`${what} is refused by name and left as it is`, async (t) => {
    const path = await directory(t);
    await writeFile(join(path, 'rules.json'), content);
    await assert.rejects(ruleFile(path).load(), (error: { code?: string; message: string }) => {
      assert.equal(error.code, 'rules-corrupt');
      assert.match(error.message, words);
      assert.match(error.message, /mend it, or move it away/);
      return true;
    });
    assert.equal(await readFile(join(path, 'rules.json'), 'utf8'), content);
  });
}

test('a save that fails says so and leaves the old rules', async (t) => {
  const path = await directory(t);
  const file = ruleFile(path);
  await file.save(rules);
  const before = await readFile(join(path, 'rules.json'), 'utf8');
  // A directory in the way fails for every user; permissions do not stop root.
  const { mkdir } = await import('node:fs/promises');
  await mkdir(join(path, 'rules.json.new'));
  await assert.rejects(file.save(noRules), { code: 'not-saved' });
  assert.equal(await readFile(join(path, 'rules.json'), 'utf8'), before);
});
