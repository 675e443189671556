import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import type { PerchPlayer } from '@perch/player';
import { launch } from '@perch/testkit';
import { startBrowser } from '../e2e/support/browser.ts';

// The two README commands on a fresh clone, with an empty npm cache, under the machine's own Node and npm.

const root = path.join(import.meta.dirname, '../..');

let directory: string;
let clone: string;
let env: NodeJS.ProcessEnv;

before(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'perch-clone-'));
  clone = path.join(directory, 'perch');
  const git = spawnSync('git', ['clone', '-q', root, clone], { encoding: 'utf8' });
  assert.equal(git.status, 0, git.stderr);
  // Nothing of the npm that runs these tests: a person types the commands into a new terminal.
  env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_|PERCH_LONG)/.test(name)),
  );
  env.PATH = (env.PATH ?? '')
    .split(path.delimiter)
    .filter((entry) => !entry.includes('node_modules'))
    .join(path.delimiter);
  env.npm_config_cache = path.join(directory, 'npm-cache');
});

after(() => {
  rmSync(directory, { recursive: true, force: true });
});

const start = (...args: string[]) =>
  launch({
    command: [
      ...['npm', 'start', '--', '--json', '--data', path.join(directory, 'data')],
      ...['--listen', '127.0.0.1:0', '--agent_listen', '127.0.0.1:0', ...args],
    ] as [string, ...string[]],
    cwd: clone,
    env,
    readyWhen: /"event":"ready".*\n/,
  });

test('npm start sets everything up, and the demo moves and sounds', async () => {
  await using up = await start();
  const { signIn } = JSON.parse(
    up
      .output()
      .split('\n')
      .find((line) => line.includes('"ready"')) ?? '',
  );
  await using browser = await startBrowser();
  const { page } = await browser.newPage();
  await page.goto(signIn);
  await page.click('.tile');
  await page.click('.watch perch-player');
  await page.waitForFunction(() => {
    const stats = document.querySelector<PerchPlayer>('perch-player')?.stats;
    return (stats?.framesShown ?? 0) > 60 && (stats?.soundLevel ?? 0) > 0.001;
  });
  await up.close('SIGINT');
  assert.equal(await up.exited, 0);
});

test('a second start adds less than 2 s', async () => {
  const before = performance.now();
  await using up = await start('--no-demo');
  assert.ok(performance.now() - before < 2_000, `${performance.now() - before} ms`);
  await up.close('SIGTERM');
  assert.equal(await up.exited, 0);
});

test('npm ci alone makes perch run', () => {
  const ci = spawnSync('npm', ['ci'], { cwd: clone, env, encoding: 'utf8' });
  assert.equal(ci.status, 0, ci.stderr);
  const perch = spawnSync(path.join(clone, 'node_modules/.bin/perch'), ['version'], {
    env,
    encoding: 'utf8',
  });
  assert.match(perch.stdout, /^perch \d/);
});

test('npm test passes', async () => {
  const all = await launch({ command: ['npm', 'test'], cwd: clone, env });
  const code = await all.exited;
  assert.equal(code, 0, all.output().slice(-20_000));
  assert.match(all.output(), /^ℹ fail 0$/m);
});
