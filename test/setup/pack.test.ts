import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { launch, makeCertificate } from '@perch/testkit';
import { Browser } from '../support/browser.ts';

// The tarball of `npm pack`, installed into an empty prefix, as somebody does on a server.

const root = path.join(import.meta.dirname, '../..');
/** Without the repository's own programs: what runs is the machine's Node, however old. */
const env = {
  ...process.env,
  PATH: (process.env.PATH ?? '')
    .split(path.delimiter)
    .filter((directory) => !directory.includes('node_modules'))
    .join(path.delimiter),
};

let directory: string;
let prefix: string;

const bin = (name: string) => path.join(prefix, 'bin', name);

function run(program: string, ...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(program, args, { encoding: 'utf8', env, cwd: directory });
}

before(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'perch-pack-'));
  prefix = path.join(directory, 'prefix');
  // The set-up of the tests has built dist/ already.
  const pack = spawnSync('npm', ['pack', '--ignore-scripts', '--pack-destination', directory], {
    encoding: 'utf8',
    env,
    cwd: root,
  });
  assert.equal(pack.status, 0, pack.stderr);
  const tarball = readdirSync(directory).find((name) => name.endsWith('.tgz'));
  assert.ok(tarball);
  const options = ['--prefix', prefix, '--prefer-offline', '--no-audit', '--no-fund'];
  const install = run('npm', 'install', '-g', ...options, path.join(directory, tarball));
  assert.equal(install.status, 0, install.stderr);
});

after(() => rmSync(directory, { recursive: true, force: true }));

test('perch runs, under a Node that is new enough', () => {
  const { status, stdout } = run(bin('perch'), 'version', '--json');
  assert.equal(status, 0);
  const { version, node } = JSON.parse(stdout);
  assert.match(version, /^\d+\.\d+\.\d+$/);
  assert.ok(Number.parseInt(node, 10) >= 24, node);
});

test('it serves the app and ends with its signal', async () => {
  await using up = await launch({
    command: [
      ...[bin('perch'), 'up', '--json', '--no-demo', '--data', path.join(directory, 'data')],
      ...['--listen', '127.0.0.1:0', '--agent_listen', '127.0.0.1:0'],
    ] as [string, ...string[]],
    env,
    readyWhen: /"event":"ready".*\n/,
  });
  const { relay, signIn } = JSON.parse(
    up
      .output()
      .split('\n')
      .find((line) => line.includes('"ready"')) ?? '',
  );
  for (const file of ['/', '/app.js', '/player.js', '/manifest.webmanifest', '/sw.js']) {
    assert.equal((await fetch(relay + file)).status, 200, file);
  }
  const owner = await Browser.signedIn({ url: relay }, signIn);
  const kept = await owner.put('/api/v1/me/password', { password: 'a long enough one' });
  assert.equal(kept.status, 204, 'passwords are hashed by a process that is in the tarball');
  await up.close('SIGTERM');
  assert.equal(await up.exited, 0);
});

test('vw takes its old command line', async () => {
  assert.equal(run(bin('vw'), 'version').stdout, 'vw video websocket transporter v0.1.0\n');
  assert.equal(run(bin('vw'), 'nonsense').status, 2);
  await using stream = await launch({
    command: [bin('vw'), 'stream', '--json', '--data', path.join(directory, 'vw')],
    env: { ...env, VW_PORT: '0' },
    readyWhen: /"event":"ready".*\n/,
  });
  const { agent } = JSON.parse(
    stream
      .output()
      .split('\n')
      .find((line) => line.includes('"ready"')) ?? '',
  );
  assert.equal(await (await fetch(`${agent}/healthcheck`)).text(), '"ok"\n');
  await stream.close('SIGINT');
  assert.equal(await stream.exited, 0);
});

test('cloudtalker runs with its old command line', async () => {
  for (const name of ['empty-cert.pem', 'empty-key.pem']) writeFileSync(path.join(directory, name), '');
  const { certFile, keyFile } = await makeCertificate(directory);
  const rest = ['-e', 'localhost:1/ds/v3', '--input_port', '0', '--cam_addr', '127.0.0.1:9001'];
  const flags = ['-c', certFile, '-k', keyFile, ...rest];
  await using device = await launch({
    command: [bin('cloudtalker'), ...flags, '--json', '--data', path.join(directory, 'cloudtalker')],
    env,
    readyWhen: /"event":"ready","captures":"127\.0\.0\.1:\d+"/,
  });
  await device.close('SIGTERM');
  assert.equal(await device.exited, 0);
  const empty = run(bin('cloudtalker'), '-c', 'empty-cert.pem', '-k', 'empty-key.pem', ...rest);
  assert.equal(empty.status, 1);
  assert.match(empty.stderr, /is not PEM/);
  assert.equal(run(bin('cloudtalker'), ...flags, '--cam_addr', 'nonsense').status, 2);
  assert.equal(run(bin('cloudtalker'), '--nonsense').status, 2);
});
