import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { silentLogger, systemClock } from '@perch/runtime';
import { Camera } from './camera.ts';
import type { CameraAddress } from './datagram.ts';

const camera = (address: CameraAddress, kept: boolean[] = []) =>
  new Camera({
    address,
    wasArmed: undefined,
    keep: async (isArmed) => void kept.push(isArmed),
    clock: systemClock,
    logger: silentLogger,
  });

async function place(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'perch-camera-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

test('commands are exactly these datagrams, by UDP, in the order they were given', async (t) => {
  const socket = createSocket('udp4');
  t.after(() => socket.close());
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const heard: string[] = [];
  const all = new Promise<void>((resolve) => {
    socket.on('message', (text) => heard.push(text.toString()) === 3 && resolve());
  });
  const kept: boolean[] = [];
  const told = camera({ host: '127.0.0.1', port: socket.address().port }, kept);
  await Promise.all([told.tell('arm'), told.tell('capture'), told.tell('disarm')]);
  await all;
  assert.deepEqual(heard, ['{"command":"arm"}', '{"command":"capture"}', '{"command":"disarm"}']);
  assert.deepEqual(kept, [true, false]);
  assert.equal(told.isArmed, false);
});

test('and by a unix socket', async (t) => {
  const path = join(await place(t), 'camera.sock');
  const script =
    'socket(S,PF_UNIX,SOCK_DGRAM,0);bind(S,pack_sockaddr_un($ARGV[0]));$|=1;print "ready\\n";recv(S,$m,100,0);print $m';
  const listener = spawn('perl', ['-MSocket', '-e', script, path]);
  t.after(() => listener.kill());
  const output = listener.stdout.setEncoding('utf8');
  await once(output, 'data');
  const [[message]] = await Promise.all([once(output, 'data'), camera({ path }).tell('capture')]);
  assert.equal(message, '{"command":"capture"}');
});

test('that nobody listens is said, and is no end of anything', async (t) => {
  const directory = await place(t);
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(() => resolve()));
  const byUdp = camera({ host: '127.0.0.1', port });
  await assert.rejects(byUdp.tell('capture'), {
    code: 'camera-absent',
    message: /no camera program listens on 127\.0\.0\.1/,
  });
  await assert.rejects(byUdp.tell('capture'), { code: 'camera-absent' });
  await assert.rejects(camera({ path: join(directory, 'none') }).tell('arm'), { code: 'camera-absent' });
  await writeFile(join(directory, 'file'), '');
  await assert.rejects(camera({ path: join(directory, 'file') }).tell('arm'), { code: 'camera-absent' });
});
