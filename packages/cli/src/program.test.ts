import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Command } from 'commander';
import { makeProgram, runPerch } from './program.ts';

async function perch(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  let stdout = '';
  let stderr = '';
  const terminal = {
    stdout: { write: (text: string) => (stdout += text) },
    stderr: { write: (text: string) => (stderr += text) },
    env: {},
  };
  const code = await runPerch(args, terminal);
  return { code, stdout, stderr };
}

function scratch(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'perch-cli-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Every command that a person can type, such as `token create`. */
function commands(): { path: string; command: Command }[] {
  const quiet = { write: () => undefined };
  const below = (command: Command, path: string): { path: string; command: Command }[] =>
    command.commands.flatMap((child) => {
      const at = `${path} ${child.name()}`.trim();
      // One with commands below it is one itself where it has flags of its own.
      const isItself = child.commands.length === 0 || child.options.length > 0;
      return [...(isItself ? [{ path: at, command: child }] : []), ...below(child, at)];
    });
  const program = makeProgram({ terminal: { stdout: quiet, stderr: quiet, env: {} }, exitCode: 0 });
  return below(program, '').filter(({ path }) => !/^(vw|cloudtalker)/.test(path));
}

test('every command has --help with an example, and exits with 0', async () => {
  for (const { path } of commands()) {
    const { code, stdout } = await perch(...path.split(' '), '--help');
    assert.equal(code, 0, path);
    assert.match(stdout, /\nExamples?:\n {2}perch /, path);
  }
});

test('the reference page has every command and every flag', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/reference/cli.md'), 'utf8');
  for (const { path, command } of commands()) {
    assert.ok(page.includes(`perch ${path}`), path);
    for (const { long } of command.options) assert.ok(page.includes(`${long}`), `${path} ${long}`);
  }
});

test('misuse exits with 2 and names what is wrong', async () => {
  for (const [words, ...args] of [
    ['nonsense', 'nonsense'],
    ['--nonsense', 'relay', '--nonsense'],
    ['HOST:PORT', 'relay', '--listen', '8080'],
    ['required option', 'token', 'create'],
    ['--scope', 'token', 'create', '--topic', 'x', '--scope', 'all'],
    ['--ttl', 'token', 'create', '--topic', 'x', '--ttl', 'soon'],
    ['--input_port', 'agent', '--input_port', 'nine'],
    ['--public', 'up', '--listen', '0.0.0.0:0'],
    ['There is no bench', 'bench', 'nonsense'],
    ['argument', 'inspect'],
  ] as [string, ...string[]][]) {
    const { code, stderr } = await perch(...args);
    assert.equal(code, 2, args.join(' '));
    assert.ok(stderr.includes(words), stderr);
  }
});

test('flags are taken with dashes too', async () => {
  const { code, stderr } = await perch('agent', '--input-port', 'nine');
  assert.equal(code, 2);
  assert.match(stderr, /--input_port/);
});

test('a relay is backed up and restored, and nothing is overwritten', async (t) => {
  const [data, elsewhere] = [scratch(t), scratch(t)];
  const file = join(scratch(t), 'backup');
  const none = await perch('relay', 'backup', file, '--data', join(data, 'none'));
  assert.deepEqual([none.code, none.stderr.includes('No relay has kept anything')], [1, true]);
  await perch('token', 'create', '--topic', 'x', '--data', data);
  const made = await perch('relay', 'backup', file, '--data', data);
  assert.equal(made.code, 0, made.stderr);
  assert.match(made.stdout, /holds \d+ rows.*keep it safe/);
  assert.equal((await perch('relay', 'backup', file, '--data', data)).code, 1);
  assert.equal((await perch('relay', 'restore', file, '--data', data)).code, 1);
  const restored = await perch('relay', 'restore', file, '--data', elsewhere);
  assert.match(restored.stdout, /^The state of 20.* is restored/);
  const { stdout } = await perch('token', 'list', '--data', elsewhere, '--json');
  assert.equal((JSON.parse(stdout) as unknown[]).length, 1);
});

test('a token is made, listed and revoked; its secret is shown once', async (t) => {
  const data = scratch(t);
  const made = await perch(
    'token',
    'create',
    '--topic',
    'lab/*',
    '--scope',
    'read,write',
    '--ttl',
    '2h',
    '--data',
    data,
    '--json',
  );
  assert.equal(made.code, 0, made.stderr);
  const { token, expires } = JSON.parse(made.stdout);
  assert.ok(Math.abs(Date.parse(expires) - Date.now() - 7_200_000) < 60_000);
  const listed = await perch('token', 'list', '--data', data, '--json');
  assert.ok(!listed.stdout.includes(token));
  const [{ id, topic, scope }] = JSON.parse(listed.stdout);
  assert.deepEqual([topic, scope], ['lab/*', ['read', 'write']]);
  assert.equal((await perch('token', 'revoke', id, '--data', data)).code, 0);
  assert.deepEqual(JSON.parse((await perch('token', 'list', '--data', data, '--json')).stdout), []);
  const again = await perch('token', 'revoke', id, '--data', data);
  assert.equal(again.code, 1);
  assert.match(again.stderr, /There is no token/);
});

test('a household is made once, with a link for its owner', async (t) => {
  const data = scratch(t);
  const make = (...args: string[]) => perch('household', 'create', ...args, '--data', data);
  const made = await make('Lab', '--url', 'https://relay.example/x', '--json');
  assert.equal(made.code, 0, made.stderr);
  const { name, link, expires } = JSON.parse(made.stdout);
  assert.equal(name, 'lab');
  assert.match(link, /^https:\/\/relay\.example\/#[\w-]{43}$/);
  assert.ok(Date.parse(expires) > Date.now() + 6 * 24 * 3_600_000);
  const again = await make('LAB');
  assert.equal(again.code, 1);
  assert.match(again.stderr, /already/);
  assert.match((await make('garden')).stdout, /^http:\/\/localhost:8080\/#[\w-]{43}\n$/);
  assert.equal((await make('a@b')).code, 2);
  assert.equal((await make('x', '--url', 'relay')).code, 2);
});

test('without --json only the token goes to standard output', async (t) => {
  const { stdout, stderr } = await perch('token', 'create', '--topic', 'x', '--data', scratch(t));
  assert.match(stdout, /^[\w-]{30,}\n$/);
  assert.match(stderr, /may read x until/);
});

test('a data directory that cannot be written is named, with the way out', async () => {
  const { code, stderr } = await perch('relay', '--listen', '127.0.0.1:0', '--data', '/dev/null/x');
  assert.equal(code, 1);
  assert.match(stderr, /\/dev\/null\/x.*--data/);
});

test('the password in a database address is never shown', async (t) => {
  const data = scratch(t);
  for (const address of ['mysql://me:sesame@db.example/x', 'postgres://me:sesame@127.0.0.1:1/x']) {
    for (const command of [
      ['token', 'list'],
      ['relay', '--listen', '127.0.0.1:0'],
    ]) {
      const { code, stdout, stderr } = await perch(...command, '--data', data, '--database', address);
      assert.notEqual(code, 0);
      assert.ok(!(stdout + stderr).includes('sesame'));
    }
  }
  writeFileSync(join(data, 'perch.yaml'), 'relay:\n  database: mysql://me:sesame@db.example/x\n');
  const { code, stderr } = await perch('token', 'list', '--data', data);
  assert.equal(code, 2);
  assert.match(stderr, /perch\.yaml: relay\.database must be sqlite:PATH or postgres:/);
  assert.ok(!stderr.includes('sesame'));
});
