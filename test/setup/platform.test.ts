import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recognise, thisMachine } from '../../tools/setup/platform.mjs';
import { howToEnd, howToGet } from '../../tools/setup/programs.mjs';

const debian = { platform: 'linux', arch: 'x64', node: '18.20.4', glibc: '2.36' };

/** What is said about a machine that Perch cannot run on. */
const problem = (machine: object): string => {
  const found = recognise({ ...debian, ...machine });
  return 'problem' in found ? String(found.problem) : '';
};

test('this machine is recognised', () => {
  assert.ok('node' in recognise(thisMachine()));
});

test('an old Node on Linux with glibc gets the bundled one', () => {
  assert.deepEqual(recognise(debian), { node: 'bundled' });
  assert.deepEqual(recognise({ ...debian, arch: 'arm64', glibc: '2.28' }), { node: 'bundled' });
});

test('a new Node runs Perch itself, on musl and macOS too', () => {
  for (const machine of [{}, { glibc: undefined }, { platform: 'darwin', arch: 'arm64', glibc: undefined }]) {
    assert.deepEqual(recognise({ ...debian, node: '24.0.0', ...machine }), { node: 'own' });
  }
});

test('where no bundled Node can run, the way out is named', () => {
  assert.match(problem({ glibc: '2.27' }), /glibc 2\.28 .*this system has 2\.27.*Node 24 built for this one/);
  assert.match(problem({ glibc: undefined }), /musl.*Node 24 or newer of your own/);
  assert.match(problem({ platform: 'darwin' }), /darwin on x64.*Node 24 or newer of your own/);
  assert.match(problem({ arch: 'riscv64' }), /riscv64.*Node 24 or newer of your own/);
  assert.match(problem({ node: '16.0.0' }), /needs Node 18.*this is 16\.0\.0/);
  assert.match(problem({ platform: 'win32' }), /WSL 2/);
});

test('missing programs come with the command to type', () => {
  assert.deepEqual(howToGet(['ffmpeg', 'tsreport'], 'apt-get').command, [
    ...['apt-get', 'install', '-y', '--no-install-recommends'],
    ...['ffmpeg', 'tstools'],
  ]);
  const alpine = howToGet(['ffmpeg', 'tsreport'], 'apk');
  assert.deepEqual(alpine.command, ['apk', 'add', 'ffmpeg']);
  assert.deepEqual(alpine.unknown, ['tsreport']);
  assert.equal(howToGet(['ffmpeg'], undefined).command, undefined);
});

test('what Debian starts with a program is ended, and nothing else', () => {
  assert.deepEqual(howToEnd(['ffmpeg', 'postgres', 'motion']), [
    ...['systemctl', 'disable', '--now'],
    ...['postgresql', 'motion'],
  ]);
  assert.equal(howToEnd(['ffmpeg', 'curl']), undefined);
});
