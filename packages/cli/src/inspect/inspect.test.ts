import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Report } from '@perch/mpegts';
import { millis } from '@perch/runtime';
import { FakeClock } from '@perch/testkit';
import { WebSocketServer } from 'ws';
import { cameraStream } from './camera-stream.fixture.ts';
import { inspect } from './inspect.ts';
import { type RunInspectOptions, runInspect } from './run.ts';

const stream = cameraStream();
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

async function* source(...parts: Uint8Array[]): AsyncIterable<Uint8Array> {
  yield* parts;
}

async function run(options: Partial<RunInspectOptions> & { input: string }) {
  let stdout = '';
  let stderr = '';
  const code = await runInspect({
    stdout: { write: (part) => (stdout += part) },
    stderr: { write: (part) => (stderr += part) },
    ...options,
  });
  return { code, stdout, stderr };
}

describe('perch inspect', () => {
  let folder = '';
  let file = '';
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'perch-inspect-'));
    file = path.join(folder, 'camera.mpegts');
    await writeFile(file, stream);
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it('tells what is in a file, as text', async () => {
    const { code, stdout, stderr } = await run({ input: file });
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, /camera\.mpegts: MPEG transport stream, [\d,]+ bytes, [\d,]+ packets, .* kbit\/s/);
    assert.match(stdout, /Program 1 \(PMT 0x1000 version 0, 2\.0\d s\)/);
    assert.match(stdout, /PCR on 0x0100: every mean 40 ms, longest 40 ms/);
    assert.match(stdout, /0x0100 {2}h264 {3}320×240 25\/s avc1\.42c00d .* 2, every 1000 ms/);
    assert.match(stdout, /0x0101 {2}aac .*44100 Hz 2 channels mp4a\.40\.2 deu/);
    assert.match(stdout, /No damage/);
  });

  it('tells the same as JSON', async () => {
    const { code, stdout } = await run({ input: file, json: true });
    assert.equal(code, 0);
    assert.deepEqual(JSON.parse(stdout), await inspect(source(stream)));
  });

  it('reads standard input', async () => {
    const { code, stdout } = await run({ input: '-', stdin: source(stream) });
    assert.equal(code, 0);
    assert.match(stdout, /^standard input: MPEG transport stream/);
  });

  it('lists damage with its place', async () => {
    const lossy = path.join(folder, 'lossy.mpegts');
    await writeFile(lossy, Buffer.concat([stream.subarray(0, 1880), stream.subarray(2256)]));
    const { stdout } = await run({ input: lossy });
    assert.match(stdout, /Damage: continuity 1, pes 1/);
    assert.match(stdout, /at byte 1,880: 0x0100: packets lost \(counter \d+ in place of \d+\)/);
  });

  it('says that there is no program, where tables are missing', async () => {
    const { code, stdout } = await run({ input: '-', stdin: source(stream.subarray(376, 376 + 188 * 10)) });
    assert.equal(code, 0);
    assert.match(stdout, /No program: neither PAT nor PMT was found/);
  });

  it('shows counters each second while a stream runs, and stops after the seconds asked for', async () => {
    const clock = new FakeClock();
    async function* endless(): AsyncIterable<Uint8Array> {
      yield stream.subarray(0, 188 * 40);
      clock.advance(millis(1000));
      yield stream.subarray(188 * 40, 188 * 80);
      clock.advance(millis(1000));
      yield stream.subarray(188 * 80);
    }
    const { code, stdout } = await run({ input: '-', stdin: endless(), live: true, seconds: 2, clock });
    assert.equal(code, 0);
    const lines = stdout.split('\n');
    assert.match(lines[0] ?? '', /^h264 .*bit\/s, \d+ units · aac .* · 4[01] packets · 0 lost · 0 damage$/);
    assert.match(lines[1] ?? '', /· 8[01] packets/);
    assert.match(stdout, /Program 1/);
  });

  it('stops in time when nothing comes', async () => {
    const stop = new AbortController();
    async function* silent(): AsyncIterable<Uint8Array> {
      yield stream;
      queueMicrotask(() => stop.abort());
      await new Promise(() => undefined);
    }
    const { code, stdout } = await run({ input: '-', stdin: silent(), signal: stop.signal });
    assert.equal(code, 0);
    assert.match(stdout, /Program 1/);
  });

  it('writes one line over on a terminal', async () => {
    const clock = new FakeClock();
    async function* two(): AsyncIterable<Uint8Array> {
      yield stream.subarray(0, 188 * 40);
      clock.advance(millis(1000));
      yield stream.subarray(188 * 40);
    }
    let stdout = '';
    await run({
      input: '-',
      stdin: two(),
      live: true,
      clock,
      stdout: { isTTY: true, write: (part) => (stdout += part) },
    });
    const [line = '', rest = ''] = stdout.split('\x1b[K');
    assert.match(line, /^\rh264 /);
    assert.match(rest, /^\nstandard input/);
  });
});

describe('perch inspect, what cannot be inspected', () => {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'perch-inspect-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const refusals: [string, string, 1 | 2, RegExp][] = [
    [
      'a missing file',
      '/nowhere/camera.mpegts',
      1,
      /\/nowhere\/camera\.mpegts: no such file\. Check the path\./,
    ],
    ['a folder', tmpdir(), 1, /is a folder\. Give a file\./],
    ['another scheme', 'rtmp://host/x', 2, /rtmp:\/\/ is not supported\. Give a file, - for/],
    ['nothing', '', 2, /Give a file, - for standard input, or an address/],
    ['an address that nobody answers', 'http://127.0.0.1:9/x', 1, /http:\/\/127\.0\.0\.1:9 did not answer/],
    [
      'a WebSocket that nobody answers',
      'ws://127.0.0.1:9/x',
      1,
      /ws:\/\/127\.0\.0\.1:9 did not answer: .*ECONNREFUSED/,
    ],
    ['an address that is none', 'ws://', 2, /ws:\/\/ is not an address/],
  ];
  for (const [what, input, expected, message] of refusals) {
    it(`${what}: says so`, async () => {
      const { code, stdout, stderr } = await run({ input });
      assert.deepEqual([code, stdout], [expected, '']);
      assert.match(stderr, message);
    });
  }

  const others: [string, Uint8Array, RegExp][] = [
    [
      'an MP4 file',
      Uint8Array.of(0, 0, 0, 24, 0x66, 0x74, 0x79, 0x70, 0, 0),
      /begins with 00 00 00 18 66 74 79 70, like an MP4/,
    ],
    ['text', text('#EXTM3U\n#EXT-X-VERSION:3'), /it is text: "#EXTM3U"/],
    ['an empty file', new Uint8Array(0), /it is empty/],
    ['bytes of no known kind', new Uint8Array(500).fill(0xe9), /it begins with e9 e9/],
    ['a bare H.264 stream', Uint8Array.of(0, 0, 0, 1, 0x67), /like a bare H\.264/],
  ];
  for (const [what, bytes, message] of others) {
    it(`${what}: says what was seen and how to make a transport stream`, async () => {
      const file = path.join(folder, 'other');
      await writeFile(file, bytes);
      const { code, stderr } = await run({ input: file });
      assert.equal(code, 1);
      assert.match(stderr, message);
      assert.match(stderr, /is not an MPEG transport stream/);
      assert.match(stderr, /ffmpeg -i FILE -c copy -f mpegts/);
    });
  }

  it('gives up on an endless input that is no transport stream', async () => {
    async function* zeros(): AsyncIterable<Uint8Array> {
      for (;;) yield new Uint8Array(100_000);
    }
    const { code, stderr } = await run({ input: '-', stdin: zeros() });
    assert.equal(code, 1);
    assert.match(stderr, /standard input is not an MPEG transport stream/);
  });

  it('a file that may not be read: says so', async () => {
    const file = path.join(folder, 'secret');
    await writeFile(file, 'x');
    await chmod(file, 0);
    const isRoot = process.getuid?.() === 0; // who may read everything
    assert.match((await run({ input: file })).stderr, isRoot ? /it is text/ : /this user may not read it/);
  });

  it('refuses a time that is none', async () => {
    const { code, stderr } = await run({ input: '-', seconds: -1 });
    assert.deepEqual([code, stderr], [2, 'perch inspect: --seconds: give a number above 0\n']);
  });
});

describe('perch inspect, over the network', () => {
  let http: Server;
  let sockets: WebSocketServer;
  let host = '';
  let authorization: string | undefined;
  before(async () => {
    http = createServer((request, response) => {
      authorization = request.headers.authorization;
      if (request.method === 'POST' && request.url === '/session/front') {
        if (authorization !== 'Bearer right') {
          response.writeHead(401).end('unknown token');
          return;
        }
        const uri = `ws://${request.headers.host}/out/front?code=1`;
        response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify({ uri }));
      } else if (request.url === '/film.mpegts') response.end(stream);
      else if (request.url === '/moved') response.writeHead(302, { Location: '/film.mpegts' }).end();
      else response.writeHead(404).end();
    });
    sockets = new WebSocketServer({ server: http });
    sockets.on('connection', (socket, request) => {
      if (request.url === '/out/mute') return;
      socket.send('{"kind":"hello"}');
      for (let at = 0; at < stream.length; at += 1316) socket.send(stream.subarray(at, at + 1316));
      socket.close(1000);
    });
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    host = `127.0.0.1:${(http.address() as AddressInfo).port}`;
  });
  after(async () => {
    for (const client of sockets.clients) client.terminate();
    sockets.close();
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
  });

  const packets = async (input: string, token?: string): Promise<number> => {
    const { code, stdout, stderr } = await run({ input, json: true, token });
    assert.deepEqual([code, stderr], [0, '']);
    return (JSON.parse(stdout) as Report).packets;
  };

  it('reads an http address, also after a redirect, and gives it no token', async () => {
    assert.equal(await packets(`http://${host}/film.mpegts`, 'Bearer x'), stream.length / 188);
    assert.equal(authorization, undefined);
    assert.equal(await packets(`http://${host}/moved`), stream.length / 188);
  });

  it('goes through the proxy that it is told, to each kind of address', async (t) => {
    const asked: (string | undefined)[] = [];
    const proxy = createServer();
    proxy.on('connect', (request, client: Socket) => {
      asked.push(request.url);
      // Whatever was asked for, it is our server.
      const server = connect((http.address() as AddressInfo).port, '127.0.0.1', () => {
        client.write('HTTP/1.1 200 OK\r\n\r\n');
        server.pipe(client).pipe(server);
      });
      for (const socket of [client, server]) socket.on('error', () => socket.destroy());
    });
    t.after(() => proxy.close());
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const proxies = { plain: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}` };
    for (const path of ['film.mpegts', 'session/front']) {
      const { code, stderr } = await run({
        input: `http://relay.test/${path}`,
        token: 'Bearer right',
        proxies,
      });
      assert.deepEqual([code, stderr], [0, '']);
    }
    assert.deepEqual(asked, ['relay.test:80', 'relay.test:80', 'relay.test:80']);
  });

  it('reads a WebSocket until it closes, text messages aside', async () => {
    assert.equal(await packets(`ws://${host}/out/front`), stream.length / 188);
  });

  it('asks a session address for a WebSocket with a token', async () => {
    assert.equal(await packets(`http://${host}/session/front`, 'Bearer right'), stream.length / 188);
  });

  it('says why a session was refused', async () => {
    const without = await run({ input: `http://${host}/session/front` });
    assert.equal(without.code, 1);
    assert.match(without.stderr, /refused with 401: unknown token\. Give a token with --token\./);
    const wrong = await run({ input: `http://${host}/session/front`, token: 'Bearer wrong' });
    assert.match(wrong.stderr, /refused with 401: unknown token\.\n/);
  });

  it('says what a server answered in place of a stream', async () => {
    assert.match((await run({ input: `http://${host}/none` })).stderr, /the server answered 404 Not Found/);
  });

  it('ends when it is told to, and says when nothing came', async () => {
    const stop = new AbortController();
    sockets.once('connection', () => stop.abort());
    const { code, stderr } = await run({ input: `ws://${host}/out/mute`, signal: stop.signal });
    assert.equal(code, 1);
    assert.match(stderr, /no byte came|did not answer|closed at once/);
  });
});
