import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { launch } from '@perch/testkit';

// The relay and the agent as programs of their own.

const perch = path.join(import.meta.dirname, '../../packages/cli/bin/perch.js');

function scratch(t: TestContext): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'perch-parts-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Runs a program until it is ready, ends it, and returns its first line. */
async function readyLine(...args: string[]): Promise<Record<string, string>> {
  await using program = await launch({
    command: [process.execPath, perch, ...args, '--json', '--listen', '127.0.0.1:0'],
    readyWhen: /"event":"ready".*\n/,
  });
  const line = program
    .output()
    .split('\n')
    .find((text) => text.includes('"event":"ready"'));
  await program.close('SIGINT');
  assert.equal(await program.exited, 0);
  return JSON.parse(line ?? '');
}

test('a relay alone prints a sign-in link on its first start, and later when asked', async (t) => {
  const data = scratch(t);
  const first = await readyLine('relay', '--data', data);
  assert.deepEqual(Object.keys(first), ['event', 'relay', 'signIn']);
  assert.match(first.signIn ?? '', /^http:\/\/localhost:\d+\/#[\w-]{20,}$/);
  assert.deepEqual(Object.keys(await readyLine('relay', '--data', data)), ['event', 'relay']);
  assert.ok((await readyLine('relay', '--data', data, '--sign_in')).signIn);
});

test('an agent says where it is, under each of its names', async (t) => {
  for (const name of ['agent', 'stream', 'host']) {
    const ready = await readyLine(name, '--data', scratch(t), '--input_port', 'none');
    assert.deepEqual(Object.keys(ready), ['event', 'agent'], name);
  }
});

test('logs are JSON on standard error, and hold no link', async (t) => {
  const program = await launch({
    command: [process.execPath, perch, 'relay', '--json', '--data', scratch(t), '--listen', '127.0.0.1:0'],
    readyWhen: /"event":"ready".*\n/,
  });
  await program.close('SIGTERM');
  const lines = program.output().trim().split('\n');
  const logs = lines.map((line) => JSON.parse(line) as Record<string, unknown>).filter(({ event }) => !event);
  assert.ok(logs.length >= 2);
  for (const log of logs) {
    assert.deepEqual(Object.keys(log).slice(0, 3), ['time', 'level', 'message']);
    assert.doesNotMatch(JSON.stringify(log), /#/);
  }
});
