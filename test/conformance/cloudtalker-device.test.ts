import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import { type AddressInfo, createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { type CameraAddress, type CloudtalkerOptions, startCloudtalker } from '@perch/agent';
import { type Clock, millis, silentLogger, systemClock } from '@perch/runtime';
import { FakeClock, makeCertificate } from '@perch/testkit';
import { type WebSocket, WebSocketServer } from 'ws';

// COMPAT 4: the device's side of cloudtalker's protocol, against a cloud that writes down what it hears (rows D1–D10).

type Heard = string | Buffer;

/** A cloud with a client certificate at its door. `heard`: texts and bytes as they came, over all connections. */
async function cloud(t: TestContext, directory: string) {
  const certificate = await makeCertificate(directory);
  const server = createServer({ ...certificate, requestCert: true, rejectUnauthorized: false });
  const sockets = new WebSocketServer({ server, perMessageDeflate: false });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const heard: Heard[] = [];
  const connections: WebSocket[] = [];
  const certificates: string[] = [];
  let onHeard: (what: Heard, socket: WebSocket) => void = () => undefined;
  sockets.on('connection', (socket, request) => {
    connections.push(socket);
    certificates.push((request.socket as TLSSocket).getPeerX509Certificate()?.subject ?? '');
    socket.on('error', () => undefined);
    socket.on('message', (data: Buffer, isBinary) => {
      const what = isBinary ? data : data.toString();
      heard.push(what);
      onHeard(what, socket);
    });
  });
  t.after(async () => {
    for (const socket of connections) socket.terminate();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return {
    endpoint: `localhost:${(server.address() as AddressInfo).port}/ds/v3`,
    certificate,
    heard,
    connections,
    certificates,
    hears: (listener: typeof onHeard) => {
      onHeard = listener;
    },
    /** What it heard but states, with the bytes of a segment put together. */
    films: () => {
      const all: Heard[] = [];
      for (const what of heard) {
        if (typeof what === 'string' && what.includes('"state"')) continue;
        const last = all.at(-1);
        if (Buffer.isBuffer(what) && Buffer.isBuffer(last)) all[all.length - 1] = Buffer.concat([last, what]);
        else all.push(what);
      }
      return all;
    },
    texts: () => heard.filter((what) => typeof what === 'string'),
  };
}

/** The machine's clock, on which the pauses between tries are short. */
const hurried: Clock = {
  ...systemClock,
  after: (delay, fire) => systemClock.after(millis(delay > 500 && delay < 5_000 ? 1 : delay), fire),
};

async function place(
  t: TestContext,
  options: { camera?: CameraAddress; clock?: Clock } & Partial<CloudtalkerOptions> = {},
) {
  const directory = await mkdtemp(join(tmpdir(), 'perch-cloudtalker-'));
  const far = await cloud(t, directory);
  const { camera, clock = hurried, ...more } = options;
  const device = await startCloudtalker({
    cert: far.certificate.certFile,
    key: far.certificate.keyFile,
    caFile: far.certificate.certFile,
    endpoint: far.endpoint,
    data: join(directory, 'data'),
    captures: {
      inputs: [{ host: '127.0.0.1', port: 0 }],
      inputDirectory: directory,
      ...(camera && { camera }),
    },
    clock,
    logger: silentLogger,
    random: () => 0.5,
    ...more,
  });
  t.after(async () => {
    await device.close();
    await rm(directory, { recursive: true, force: true });
  });
  const connect = async () => {
    const socket = createConnection(device.addresses[0] as { host: string; port: number });
    await once(socket, 'connect');
    t.after(() => socket.destroy());
    return socket;
  };
  return {
    far,
    device,
    connect,
    file: async (name: string, bytes: Buffer | string) => writeFile(join(directory, name), bytes),
    say: async (text: string) => {
      const socket = await connect();
      socket.end(text);
      await once(socket, 'close');
    },
    /** Resolves when so many segments were taken or lost, and nothing waits any more. */
    drained: (count: number) =>
      until(t, () => {
        const { segments, events, taken, lost } = device.dump();
        return taken + lost >= count && segments === 0 && events === 0;
      }),
  };
}

async function until(t: TestContext, holds: () => boolean): Promise<void> {
  while (!holds()) {
    if (t.signal.aborted) throw new Error('it never came');
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const segment = (path: string) => JSON.stringify({ segment: path });
const json = (what: Heard | undefined) => (typeof what === 'string' ? (JSON.parse(what) as unknown) : what);

test('D1: start, each segment with its bytes in messages of at most 1300, end', async (t) => {
  const { far, say, file, drained } = await place(t);
  const bytes = randomBytes(4_000);
  await file('pir.1795000000.0.mp4', bytes);
  await file('pir.1795000000.1.mp4', 'next');
  await say(segment('pir.1795000000.0.mp4') + segment('pir.1795000000.1.mp4'));
  await drained(2);
  const film = { trigger_timestamp: 1_795_000_000, trigger: 'pir' };
  assert.deepEqual(far.films().map(json), [
    { type: 'capture_start', ...film },
    { type: 'capture_segment', ...film, seg_no: 0 },
    bytes,
    { type: 'capture_segment', ...film, seg_no: 1 },
    Buffer.from('next'),
    { type: 'capture_end', ...film },
  ]);
  const sizes = far.heard.filter((what) => Buffer.isBuffer(what)).map(({ length }) => length);
  assert.deepEqual(sizes, [1300, 1300, 1300, 100, 4]);
});

test('D2: a film that begins with segment 1 has no start; one that was asked for is a request', async (t) => {
  const { far, say, file, drained } = await place(t);
  await file('cap.7.1.mp4', 'one');
  await say(segment('cap.7.1.mp4'));
  await drained(1);
  assert.deepEqual(far.films().map(json), [
    { type: 'capture_segment', trigger_timestamp: 7, trigger: 'request', seg_no: 1 },
    Buffer.from('one'),
    { type: 'capture_end', trigger_timestamp: 7, trigger: 'request' },
  ]);
});

test('D3: objects back to back in one write, and split over many, beyond 1024 bytes', async (t) => {
  const { far, say, file, connect, drained } = await place(t);
  for (const n of [0, 1, 2]) await file(`pir.5.${n}.mp4`, `${n}`);
  const all = [0, 1, 2]
    .map((n) => JSON.stringify({ segment: `pir.5.${n}.mp4`, why: 'x'.repeat(1_500) }))
    .join('');
  await say(all);
  await drained(3);
  const socket = await connect();
  socket.setNoDelay(true);
  await file('pir.6.0.mp4', 'split');
  for (const part of segment('pir.6.0.mp4').match(/.{1,3}/g) ?? [])
    await new Promise((resolve) => socket.write(part, resolve));
  socket.end();
  await until(t, () => far.texts().filter((text) => text.includes('capture_end')).length === 2);
  assert.deepEqual(
    far
      .films()
      .filter((what) => Buffer.isBuffer(what))
      .map(String),
    ['0', '1', '2', 'split'],
  );
});

/** A camera program by UDP, and all it was told. */
async function cameraProgram(t: TestContext) {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  t.after(() => socket.close());
  const told: string[] = [];
  socket.on('message', (text) => told.push(text.toString()));
  return { told, address: { host: '127.0.0.1', port: socket.address().port } };
}

test('D3b, D7: arm, disarm and capture by UDP, each once for each change; that capture_asap ends says nothing', async (t) => {
  const camera = await cameraProgram(t);
  const { far } = await place(t, { camera: camera.address });
  await until(t, () => far.texts().length === 1);
  const wishes = [
    { pir_armed: true },
    { pir_armed: true },
    { pir_armed: true, capture_asap: true },
    { pir_armed: true, capture_asap: false },
    { pir_armed: true, capture_asap: true },
    {},
  ];
  for (const [i, wish] of wishes.entries()) {
    far.connections[0]?.send(JSON.stringify(wish));
    await until(t, () => far.texts().length === i + 2);
  }
  await until(t, () => camera.told.length === 4);
  assert.deepEqual(camera.told, [
    '{"command":"arm"}',
    '{"command":"capture"}',
    '{"command":"capture"}',
    '{"command":"disarm"}',
  ]);
});

test('D7: and by a unix socket; that nobody listens ends nothing', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'perch-camera-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const path = join(directory, 'camera.sock');
  const refused = Promise.withResolvers<void>();
  const { far, file, say, drained } = await place(t, {
    camera: { path },
    logger: { ...silentLogger, warn: () => refused.resolve() },
  });
  await until(t, () => far.texts().length === 1);
  far.connections[0]?.send('{"pir_armed":true}');
  // Nobody listened.
  await refused.promise;
  const script =
    'socket(S,PF_UNIX,SOCK_DGRAM,0);bind(S,pack_sockaddr_un($ARGV[0]));$|=1;print "ready\\n";for(1,2){recv(S,$m,100,0);print "$m\\n"}';
  const program = spawn('perl', ['-MSocket', '-e', script, path]);
  t.after(() => program.kill());
  const output = program.stdout.setEncoding('utf8');
  let said = '';
  output.on('data', (text: string) => {
    said += text;
  });
  await until(t, () => said.includes('ready'));
  far.connections[0]?.send('{"pir_armed":true,"capture_asap":true}');
  // Who listens now is told what nobody heard, too.
  await until(t, () => said.split('\n').length === 4);
  assert.deepEqual(said.split('\n').sort(), ['', 'ready', '{"command":"arm"}', '{"command":"capture"}']);
  await file('pir.5.0.mp4', 'still works');
  await say(segment('pir.5.0.mp4'));
  await drained(1);
});

test('D4: two films in two connections', async (t) => {
  const { far, say, file, drained } = await place(t);
  for (const [i, second] of [5, 6].entries()) {
    await file(`pir.${second}.0.mp4`, `film ${second}`);
    await say(segment(`pir.${second}.0.mp4`));
    await drained(i + 1);
  }
  const texts = far
    .films()
    .map((what) => (Buffer.isBuffer(what) ? `${what}` : (json(what) as { type: string }).type));
  assert.deepEqual(texts, [
    ...['capture_start', 'capture_segment', 'film 5', 'capture_end'],
    ...['capture_start', 'capture_segment', 'film 6', 'capture_end'],
  ]);
});

test('D5: an alarm is told with its second', async (t) => {
  const { far, say } = await place(t);
  await say('{"event":"alarm", "gpio": 4}');
  await until(t, () => far.films().length === 1);
  const [alarm] = far.films().map(json) as { type: string; trigger_timestamp: number }[];
  assert.equal(alarm?.type, 'alarm');
  assert.ok(Math.abs((alarm?.trigger_timestamp ?? 0) - Date.now() / 1000) < 20);
});

test('D6: the state on open, in answer to each message, and each ten heartbeats', async (t) => {
  const clock = new FakeClock();
  const { far } = await place(t, { clock });
  await until(t, () => far.texts().length === 1);
  assert.equal(
    far.texts()[0],
    '{"capture_asap": false, "heartbeat_period": 10, "id": 0, "pir_armed": false, "type": "state"}',
  );
  far.connections[0]?.send('{"id":3,"heartbeat_period":2,"pir_armed":true,"unknown":[1]}');
  await until(t, () => far.texts().length === 2);
  assert.equal(
    far.texts()[1],
    '{"capture_asap": false, "heartbeat_period": 2, "id": 3, "pir_armed": true, "type": "state"}',
  );
  clock.advance(19_999);
  clock.advance(1);
  await until(t, () => far.texts().length === 3);
});

test('D8: a missing file is passed over, and later films go', async (t) => {
  const { far, say, file, drained, device } = await place(t);
  await say(segment('pir.5.0.mp4'));
  await file('pir.6.0.mp4', 'later');
  await say(segment('pir.6.0.mp4'));
  await drained(2);
  assert.deepEqual(
    far
      .films()
      .map((what) =>
        Buffer.isBuffer(what) ? `${what}` : (json(what) as { trigger_timestamp: number }).trigger_timestamp,
      ),
    [6, 6, 'later', 6],
  );
  assert.equal(device.dump().lost, 1);
});

test('D9: a cloud whose certificate is not trusted gets nothing, unless --insecure', async (t) => {
  const strict = await place(t, { caFile: join(import.meta.dirname, 'no-such-file') }).catch(
    (error: Error) => error,
  );
  assert.match(String(strict), /cannot read .*no-such-file/);
  const directory = await mkdtemp(join(tmpdir(), 'perch-other-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const other = await makeCertificate(directory);
  const refusing = await place(t, { caFile: other.certFile });
  await refusing.file('pir.5.0.mp4', 'secret');
  await refusing.say(segment('pir.5.0.mp4'));
  const reason = () => (refusing.device.dump().upload as { state: { reason?: string } }).state.reason;
  await until(t, () => reason() !== undefined);
  assert.match(reason() ?? '', /self-signed certificate|unable to verify/);
  assert.equal(refusing.far.connections.length, 0);
  const trusting = await place(t, { caFile: other.certFile, insecure: true });
  await until(t, () => trusting.far.texts().length === 1);
  assert.match(trusting.far.certificates[0] ?? '', /CN=localhost/);
});

test('D10: after a cut it connects again, and what had not arrived is sent', async (t) => {
  const { far, say, file, drained } = await place(t);
  const sent = [randomBytes(200_000), randomBytes(200_000)];
  for (const n of [0, 1]) await file(`pir.5.${n}.mp4`, sent[n] as Buffer);
  let bytes = 0;
  far.hears((what, socket) => {
    if (far.connections.length > 1 || !Buffer.isBuffer(what)) return;
    bytes += what.length;
    if (bytes > 250_000) socket.terminate();
  });
  await say(segment('pir.5.0.mp4') + segment('pir.5.1.mp4'));
  await drained(2);
  assert.ok(far.connections.length >= 2);
  const films = far.films();
  const whole = (content: Buffer) =>
    films.filter((what) => Buffer.isBuffer(what) && what.equals(content)).length;
  assert.ok(whole(sent[0] as Buffer) >= 1);
  assert.equal(whole(sent[1] as Buffer), 1);
  assert.match(String(films.at(-1)), /capture_end/);
});
