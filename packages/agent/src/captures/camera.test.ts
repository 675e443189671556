import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type Clock, silentLogger, systemClock } from '@perch/runtime';
import { FakeClock } from '@perch/testkit';
import { Camera } from './camera.ts';
import { type CameraAddress, sendDatagram } from './datagram.ts';

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

test('that nobody listens is heard also where the machine stood still in between', async () => {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(() => resolve()));
  // Nothing else is done until the time to be refused in is over.
  const still: Clock = {
    ...systemClock,
    after: (delay, fire) => {
      const timer = systemClock.after(delay, fire);
      for (const end = performance.now() + 2 * delay; performance.now() < end; );
      return timer;
    },
  };
  await assert.rejects(sendDatagram('{}', { host: '127.0.0.1', port }, still), { code: 'camera-absent' });
});

test('who did not listen is told when he does, what holds by then and only that', async (t) => {
  const clock = new FakeClock();
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(() => resolve()));
  // Only the pauses between tries are for the test to end.
  const pauses: FakeClock = clock;
  const one = new Camera({
    address: { host: '127.0.0.1', port },
    wasArmed: false,
    keep: async () => undefined,
    clock: { ...systemClock, after: (ms, fire) => (ms >= 1_000 ? pauses : systemClock).after(ms, fire) },
    logger: silentLogger,
  });
  t.after(() => one.close());
  await assert.rejects(one.tell('arm'), { code: 'camera-absent' });
  await assert.rejects(one.tell('capture'), { code: 'camera-absent' });
  const { armed, told, problem } = one.state;
  assert.deepEqual([armed, told], [true, null]);
  assert.match(problem ?? '', /no camera program listens/);

  const late = createSocket('udp4');
  t.after(() => late.close());
  late.bind(port, '127.0.0.1');
  await once(late, 'listening');
  const [heard, changed] = [once(late, 'message'), one.news.once('changed')];
  clock.advance(2_000);
  assert.equal(String((await heard)[0]), '{"command":"arm"}');
  await changed;
  assert.deepEqual([one.state.told, one.state.problem], [true, null]);
  assert.equal(clock.pending, 0);
});

test('an agent that is started anew tells what was known before; one that knows nothing is silent', async (t) => {
  const socket = createSocket('udp4');
  t.after(() => socket.close());
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const address = { host: '127.0.0.1', port: socket.address().port };
  const start = (wasArmed: boolean | undefined) => {
    const one = new Camera({
      ...{ address, wasArmed, keep: async () => undefined },
      ...{ clock: systemClock, logger: silentLogger },
    });
    t.after(() => one.close());
    one.handOver();
    return one;
  };
  const heard = once(socket, 'message');
  start(undefined);
  start(true);
  assert.equal(String((await heard)[0]), '{"command":"arm"}');
});

test('a list of films obeys where there is no camera program; a film cannot be asked of it', async () => {
  const kept: boolean[] = [];
  const one = new Camera({
    ...{ hasList: true, wasArmed: undefined, keep: async (isArmed: boolean) => void kept.push(isArmed) },
    ...{ clock: systemClock, logger: silentLogger },
  });
  await one.tell('disarm');
  assert.deepEqual([one.state.told, one.state.problem, kept], [false, null, [false]]);
  await assert.rejects(one.tell('capture'), { code: 'camera-none' });
  assert.equal(one.state.told, false);
  await one.close();
});
