import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFile,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  readlink,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { createConnection, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { type Logger, silentLogger, systemClock } from '@perch/runtime';
import { FakeClock } from '@perch/testkit';
import { Uploader } from '../upload/index.ts';
import { TestRelay } from '../upload/testing/relay.ts';
import { type CaptureOptions, type CaptureParts, Captures } from './captures.ts';

async function device(
  t: TestContext,
  options: Partial<CaptureOptions> = {},
  parts: Partial<CaptureParts> = {},
) {
  const home = await mkdtemp(join(tmpdir(), 'perch-captures-'));
  const relay = await TestRelay.open();
  const said: string[] = [];
  const logger: Logger = {
    ...silentLogger,
    error: (message, fields) => void said.push(`${message} ${JSON.stringify(fields)}`),
    warn: (message) => void said.push(message),
  };
  const started: Captures[] = [];
  const start = async (data = 'data') => {
    const captures = await Captures.start({
      data: join(home, data),
      options: { inputs: [{ host: '127.0.0.1', port: 0 }], inputDirectory: home, ...options },
      upload: (uploading) => new Uploader({ ...uploading, dial: relay.dial }),
      clock: systemClock,
      logger,
      ...parts,
    });
    started.push(captures);
    return captures;
  };
  t.after(async () => {
    // Before their directory goes: they may be writing.
    for (const captures of started) await captures.close();
    await relay.close();
    await rm(home, { recursive: true, force: true });
  });
  const captures = await start();
  const connect = async (): Promise<Socket> => {
    const [address] = captures.addresses;
    const socket = createConnection(address as { port: number; host: string });
    await once(socket, 'connect');
    t.after(() => socket.destroy());
    return socket;
  };
  return {
    home,
    relay,
    said,
    captures,
    start,
    connect,
    file: (name: string, content: string) => writeFile(join(home, name), content),
    /** Says all this over one connection, and closes it. */
    say: async (text: string) => {
      const socket = await connect();
      socket.end(text);
      await once(socket, 'close');
    },
    /** Resolves with the films that ended, once there are so many. */
    films: async (count: number) => {
      const ends = () => [...relay.events.values()].filter((event) => event.kind === 'end');
      while (!t.signal.aborted && (ends().length < count || captures.dump().segments > 0)) {
        await new Promise((resolve) => setImmediate(resolve));
      }
      return ends().map(({ capture, segments }) => ({
        name: `${capture.trigger}.${capture.timestamp}`,
        segments,
        content: [...relay.kept.values()]
          .filter(({ offer }) => offer.capture.id === capture.id)
          .sort((a, b) => a.offer.segment - b.offer.segment)
          .map(({ offer, bytes }) => `${offer.segment} ${bytes} ${offer.extension}`),
      }));
    },
  };
}

/** How often this process has a file open. */
async function timesOpen(path: string): Promise<number> {
  const links = await Promise.all(
    // One may be closed meanwhile.
    (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')),
  );
  return links.filter((link) => link === path).length;
}

const segment = (path: string) => JSON.stringify({ segment: path });

test('one connection is one film, whatever the objects are parted by', async (t) => {
  const { say, file, films } = await device(t);
  await file('pir.1795000000.0.mp4', 'zero');
  await file('pir.1795000000.1.mp4', 'one');
  await say(`${segment('pir.1795000000.0.mp4')}${segment('pir.1795000000.1.mp4')}`);
  assert.deepEqual(await films(1), [
    { name: 'pir.1795000000', segments: 2, content: ['0 zero mp4', '1 one mp4'] },
  ]);
});

test('many connections at once are as many films', async (t) => {
  const { connect, file, films } = await device(t);
  const sockets = await Promise.all([1, 2, 3].map(connect));
  for (const n of [0, 1]) {
    for (const [i, socket] of sockets.entries()) {
      await file(`pir.${i + 1}.${n}.mp4`, `${i}-${n}`);
      socket.write(segment(`pir.${i + 1}.${n}.mp4`));
    }
  }
  for (const socket of sockets) socket.end();
  const found = (await films(3)).sort((a, b) => a.name.localeCompare(b.name));
  assert.deepEqual(found[1], { name: 'pir.2', segments: 2, content: ['0 1-0 mp4', '1 1-1 mp4'] });
});

test('another second in one connection begins another film', async (t) => {
  const { say, file, films } = await device(t);
  await file('pir.5.0.mp4', 'a');
  await file('pir.6.0.mp4', 'b');
  await say(segment('pir.5.0.mp4') + segment('pir.6.0.mp4'));
  assert.deepEqual(
    (await films(2)).map(({ name }) => name),
    ['pir.5', 'pir.6'],
  );
});

test('files named otherwise are one film that was asked for, timed by the connection, numbered by order', async (t) => {
  const { say, file, films } = await device(t, {}, { clock: systemClock });
  const before = Math.floor(Date.now() / 1000);
  await file('front door.MP4', 'a');
  await file('b.ts', 'b');
  await say(segment('front door.MP4') + segment('./b.ts'));
  const [film] = await films(1);
  assert.deepEqual(film?.content, ['0 a mp4', '1 b ts']);
  const [trigger, timestamp] = film?.name.split('.') ?? [];
  assert.equal(trigger, 'cap');
  assert.ok(Number(timestamp) >= before && Number(timestamp) <= Date.now() / 1000);
});

test('what is missing, empty or unreadable is told to the relay and stops nothing', async (t) => {
  const { say, file, films, relay, said } = await device(t);
  await file('pir.5.0.mp4', 'a');
  await file('pir.5.2.mp4', '');
  await file('pir.5.3.mp4', 'd');
  await say([0, 1, 2, 3].map((n) => segment(`pir.5.${n}.mp4`)).join('\n'));
  const [film] = await films(1);
  assert.deepEqual(film, { name: 'pir.5', segments: 4, content: ['0 a mp4', '3 d mp4'] });
  const lost = [...relay.events.values()].filter((event) => event.kind === 'lost');
  assert.deepEqual(lost.map((event) => event.segment).sort(), [1, 2]);
  assert.match(lost.map(({ reason }) => reason).join(), /is not there/);
  assert.equal(said.filter((line) => /a segment is lost/.test(line)).length, 2);
});

test('the same segment named twice is taken once; another one under its number is kept as well', async (t) => {
  const { say, file, films, connect } = await device(t);
  await file('pir.5.0.mp4', 'a');
  const socket = await connect();
  socket.write(segment('pir.5.0.mp4') + segment('pir.5.0.mp4'));
  await file('x', 'x');
  socket.end();
  assert.deepEqual(await films(1), [{ name: 'pir.5', segments: 1, content: ['0 a mp4'] }]);
  await file('pir.5.0.mp4', 'other');
  await say(segment('pir.5.0.mp4'));
  assert.deepEqual((await films(2))[1]?.content, ['0 a mp4', '1 other mp4']);
});

test('an alarm is told alone, and with the film that is on', async (t) => {
  const { say, file, relay, films } = await device(t);
  await say('{"event":"alarm","gpio":4}');
  await file('pir.5.0.mp4', 'a');
  await say(`${segment('pir.5.0.mp4')}{"event":"alarm"}`);
  await films(1);
  const alarms = [...relay.events.values()].filter((event) => event.kind === 'alarm');
  assert.deepEqual(
    alarms.map(({ gpio, capture }) => [gpio, capture?.timestamp]),
    [
      [4, undefined],
      [undefined, 5],
    ],
  );
});

test('a connection that begins with anything but white space or a brace is closed, and its words are not taken', async (t) => {
  const { say, captures, file, said } = await device(t);
  await file('pir.5.0.mp4', 'a');
  await say(`POST / HTTP/1.1\r\n\r\n${segment('pir.5.0.mp4')}`);
  assert.equal(captures.dump().taken, 0);
  assert.ok(said.some((line) => /began with something else/.test(line)));
  await say('\r\n \t{"event":"alarm"}');
});

test('a malformed object, and one that is cut off, leave the listener as it was', async (t) => {
  const { say, file, films } = await device(t);
  await file('pir.5.0.mp4', 'a');
  await say('{"segment":}{"segment":5}{"segment":"a\\u0000b"}{"no": "thing"}{');
  await say(segment('pir.5.0.mp4'));
  assert.equal((await films(1)).length, 1);
});

test('with --capture_dir only what is really below it is taken', async (t) => {
  const home = await mkdtemp(join(tmpdir(), 'perch-captures-'));
  t.after(() => rm(home, { recursive: true, force: true }));
  await mkdir(join(home, 'in'));
  await mkdir(join(home, 'inside-not'));
  await symlink(join(home, 'inside-not'), join(home, 'in', 'way-out'));
  for (const name of ['in/pir.5.0.mp4', 'inside-not/pir.5.1.mp4', 'pir.5.2.mp4'])
    await writeFile(join(home, name), name);
  await symlink(join(home, 'pir.5.2.mp4'), join(home, 'in/pir.5.3.mp4'));
  const { say, films } = await device(t, { captureDirectory: join(home, 'in') });
  await say(
    ['in/pir.5.0.mp4', 'in/way-out/pir.5.1.mp4', 'in/../pir.5.2.mp4', 'in/pir.5.3.mp4', 'nowhere/pir.5.4.mp4']
      .map((name) => segment(join(home, name)))
      .join(''),
  );
  assert.deepEqual((await films(1))[0]?.content, ['0 in/pir.5.0.mp4 mp4']);
});

test('films come over a unix socket too; a stale socket file is replaced, a live one is not', async (t) => {
  const home = await mkdtemp(join(tmpdir(), 'perch-captures-'));
  t.after(() => rm(home, { recursive: true, force: true }));
  const path = join(home, 'in.sock');
  execFileSync('perl', [
    '-MSocket',
    '-e',
    'socket(S,PF_UNIX,SOCK_STREAM,0);bind(S,pack_sockaddr_un($ARGV[0]))',
    path,
  ]);
  const { say, file, films, start } = await device(t, { inputs: [{ path }] });
  await file('pir.5.0.mp4', 'a');
  await say(segment('pir.5.0.mp4'));
  assert.equal((await films(1)).length, 1);
  await assert.rejects(start('other'), /another program listens on .*in\.sock/);
});

test('a list on standard input gives films by their second, other files one by one', async (t) => {
  const stdin = new PassThrough();
  const { file, films } = await device(t, { fileList: '-' }, { stdin });
  for (const name of ['pir.5.0.mp4', 'pir.5.1.mp4', 'a.mp4', 'b.mp4']) await file(name, name[0] as string);
  stdin.end('pir.5.0.mp4\npir.5.1.mp4\r\na.mp4\n\nb.mp4');
  assert.deepEqual((await films(3)).map(({ content }) => content.length).sort(), [1, 1, 2]);
});

test('a pipe may be written by one program after the other', async (t) => {
  const home = await mkdtemp(join(tmpdir(), 'perch-captures-'));
  t.after(() => rm(home, { recursive: true, force: true }));
  const pipe = join(home, 'list');
  execFileSync('mkfifo', [pipe]);
  const { captures, file, films } = await device(t, { fileList: pipe });
  assert.equal(await timesOpen(pipe), 1);
  for (const name of ['a.mp4', 'b.mp4']) {
    await file(name, name);
    const writer = await open(pipe, 'w');
    await writer.write(`${name}\n`);
    await writer.close();
  }
  assert.equal((await films(2)).length, 2);
  await captures.close();
  while ((await timesOpen(pipe)) > 0) await new Promise((resolve) => setImmediate(resolve));
});

test('a list that is none is named, and not left open', async (t) => {
  const home = await mkdtemp(join(tmpdir(), 'perch-captures-'));
  t.after(() => rm(home, { recursive: true, force: true }));
  await assert.rejects(device(t, { fileList: home }), /neither a file nor a named pipe/);
  assert.equal(await timesOpen(home), 0);
});

test('a list in a file is followed as it grows, and nothing of it is taken twice', async (t) => {
  const home = await mkdtemp(join(tmpdir(), 'perch-captures-'));
  t.after(() => rm(home, { recursive: true, force: true }));
  const list = join(home, 'list');
  for (const name of ['a.mp4', 'b.mp4', 'c.mp4']) await writeFile(join(home, name), name);
  await writeFile(list, `${join(home, 'a.mp4')}\n`);
  const clock = new FakeClock();
  const { captures, films, start } = await device(t, { fileList: list }, { clock });
  await films(1);
  await appendFile(list, `${join(home, 'b.mp4')}\n${join(home, 'c.m')}`);
  clock.advance(1_000);
  await films(2);
  await captures.close();
  await appendFile(list, `p4\n`);
  const again = await start();
  while (again.dump().taken < 1) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual([again.dump().taken, again.dump().lost], [1, 0]);
});

test('an agent that was killed before it noted how far it had read takes nothing of a list twice', async (t) => {
  const home = await mkdtemp(join(tmpdir(), 'perch-captures-'));
  t.after(() => rm(home, { recursive: true, force: true }));
  const list = join(home, 'list');
  const add = async (name: string) => {
    await writeFile(join(home, name), name);
    await appendFile(list, `${join(home, name)}\n`);
  };
  await add('a.mp4');
  const { home: own, relay, captures, start } = await device(t, { fileList: list });
  const isHome = async (count: number) => {
    while (relay.kept.size < count) await new Promise((resolve) => setImmediate(resolve));
  };
  await isHome(1);
  await captures.close();
  const position = join(own, 'data', 'captures', 'list-position');
  const noted = await readFile(position);
  await add('b.mp4');
  await add('c.mp4');
  const killed = await start();
  await isHome(3);
  await killed.close();
  await writeFile(position, noted);
  // As a camera program may, of what was taken.
  await rm(join(home, 'b.mp4'));
  await add('d.mp4');
  const again = await start();
  await isHome(4);
  assert.deepEqual([again.dump().taken, again.dump().lost], [1, 0]);
});

test('while the camera is disarmed a list is passed over, and a connection is not', async (t) => {
  const stdin = new PassThrough();
  const { captures, file, films, say } = await device(t, { fileList: '-' }, { stdin });
  await file('a.mp4', 'listed');
  await file('b.mp4', 'said');
  await captures.tell('disarm');
  stdin.write('a.mp4\n');
  await say(segment('b.mp4'));
  assert.deepEqual(
    (await films(1)).map(({ content }) => content),
    [['0 said mp4']],
  );
  await captures.tell('arm');
  stdin.write('a.mp4\n');
  stdin.end();
  assert.equal((await films(2)).length, 2);
});

test('whether the camera was armed outlives a restart', async (t) => {
  const { captures, start } = await device(t, { inputs: [] });
  assert.equal(captures.dump().armed, null);
  await assert.rejects(captures.tell('disarm'), { code: 'camera-none' });
  await captures.close();
  assert.equal((await start()).dump().armed, false);
});

test('files pushed by hand are one film in their order, whatever they are called', async (t) => {
  const { captures, file, films } = await device(t);
  await file('pir.9.4.mp4', 'a');
  await file('pir.9.2.mp4', 'b');
  const { capture, lost } = await captures.push(['pir.9.4.mp4', 'pir.9.2.mp4', 'none.mp4']);
  assert.match(lost.join(), /segment 2: .*none\.mp4 is not there/);
  const [film] = await films(1);
  assert.deepEqual(film?.content, ['0 a mp4', '1 b mp4']);
  assert.equal(captures.film(capture).pending, 0);
});
