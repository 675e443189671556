// COMPAT.md 7, row V9, the first vw's own test list, and what the first vw lost (FACTS, "The older systems under load").
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { type AccessUnit, Demuxer } from '@perch/mpegts';
import { FakeClock } from '@perch/testkit';
import { WebSocketServer } from 'ws';
import {
  blob,
  Client,
  FarClient,
  FarEnd,
  openPublisher,
  packet,
  post,
  startTestAgent,
} from './vw-harness.ts';

const run = promisify(execFile);

function ffmpeg(t: TestContext, ...args: string[]): ChildProcess {
  const child = spawn('ffmpeg', ['-hide_banner', '-loglevel', 'error', '-nostdin', ...args], {
    stdio: 'ignore',
  });
  t.after(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'close');
  });
  return child;
}

/** The PIDs that a stream's tables give its tracks. */
function pidsOf(bytes: Buffer): { video: number; audio: number } {
  const pids = { video: -1, audio: -1 };
  const demuxer = new Demuxer({
    onProgram: ({ streams }) => {
      for (const stream of streams) if (stream.class !== 'data') pids[stream.class] = stream.pid;
    },
  });
  demuxer.push(bytes);
  return pids;
}

/** Packets of each PID in `bytes`, and how often a continuity counter jumped (ISO/IEC 13818-1 2.4.3.3). */
function surveyPids(bytes: Buffer): Map<number, { packets: number; jumps: number }> {
  const found = new Map<number, { packets: number; jumps: number; counter: number }>();
  assert.equal(bytes.length % 188, 0, 'whole packets');
  for (let at = 0; at < bytes.length; at += 188) {
    assert.equal(bytes[at], 0x47, `sync byte at ${at}`);
    const pid = bytes.readUInt16BE(at + 1) & 0x1fff;
    const flags = bytes[at + 3] ?? 0;
    if ((flags & 0x10) === 0) continue; // no payload, no count
    const seen = found.get(pid);
    const jumped = seen !== undefined && ((seen.counter + 1) & 0x0f) !== (flags & 0x0f) ? 1 : 0;
    found.set(pid, {
      packets: (seen?.packets ?? 0) + 1,
      jumps: (seen?.jumps ?? 0) + jumped,
      counter: flags & 0x0f,
    });
  }
  return found;
}

test('V9 re-posting a rule mutes and unmutes without reconnecting anybody and without a gap in the picture', async (t) => {
  const { url } = await startTestAgent(t);
  const viewer = await Client.connect(t, `${url}/ws/stream/front`);
  const stream = (feeds: string[]) => post(`${url}/api/streams`, { stream: 'stream/front', feeds });
  const video = [
    '-re',
    '-f',
    'lavfi',
    '-i',
    'testsrc=size=320x240:rate=30',
    '-c:v',
    'libx264',
    '-tune',
    'zerolatency',
  ];
  ffmpeg(t, ...video, '-preset', 'ultrafast', '-flush_packets', '1', '-f', 'mpegts', `${url}/ts/video0`);
  const audio = [
    '-re',
    '-f',
    'lavfi',
    '-i',
    'sine=frequency=440',
    '-c:a',
    'mp2',
    '-flush_packets',
    '1',
    '-muxdelay',
    '0',
  ];
  // Both on ffmpeg's default PIDs, which are the same.
  ffmpeg(t, ...audio, '-f', 'mpegts', `${url}/ts/audio0`);

  const phase = async (isOver: (pids: ReturnType<typeof surveyPids>) => boolean) => {
    const from = viewer.messages.length;
    const part = () => Buffer.concat(viewer.messages.slice(from).map(({ data }) => data));
    await viewer.until(() => isOver(surveyPids(part())));
    return surveyPids(part());
  };
  const many = (pid: number, count: number) => (found: ReturnType<typeof surveyPids>) =>
    (found.get(pid)?.packets ?? 0) >= count;

  await stream(['video0', 'audio0']);
  await viewer.until(() => Object.values(pidsOf(viewer.bytes)).every((pid) => pid > 0));
  const { video: VIDEO, audio: AUDIO } = pidsOf(viewer.bytes);
  await phase((found) => many(VIDEO, 50)(found) && many(AUDIO, 20)(found));
  await stream(['video0']);
  const muted = await phase(many(VIDEO, 200));
  assert.ok((muted.get(AUDIO)?.packets ?? 0) <= 20, 'only what was on its way when the rule changed');
  const silent = await phase(many(VIDEO, 50));
  assert.equal(silent.get(AUDIO)?.packets ?? 0, 0);
  await stream(['video0', 'audio0']);
  await phase((found) => many(VIDEO, 50)(found) && many(AUDIO, 20)(found));
  for (const { jumps } of surveyPids(viewer.bytes).values()) assert.equal(jumps, 0);
  assert.equal(viewer.socket.readyState, viewer.socket.OPEN);

  await fetch(`${url}/api/streams/stream/front`, { method: 'DELETE' });
  assert.equal(viewer.socket.readyState, viewer.socket.OPEN, 'members stay, silent');
});

test('a blob to one server arrives as it was sent', async (t) => {
  const far = await FarEnd.open(t);
  const { url } = await startTestAgent(t);
  await post(`${url}/api/destinations`, { id: '0', stream: 'blob', destination: far.url });
  const sent = blob(1_000);
  const publisher = openPublisher(t, `${url}/ts/blob`);
  publisher.write(sent);
  publisher.end();
  const client = await far.arrival(0);
  await client.untilBytes(sent.length);
  assert.ok(client.content.equals(sent));
});

test('two different blobs go to two servers, each to its own', async (t) => {
  const [one, other] = [await FarEnd.open(t), await FarEnd.open(t)];
  const { url } = await startTestAgent(t);
  await post(`${url}/api/destinations`, { id: '0', stream: 'a', destination: one.url });
  await post(`${url}/api/destinations`, { id: '1', stream: 'b', destination: other.url });
  const [a, b] = [blob(500_000, 3), blob(400_000, 5)];
  openPublisher(t, `${url}/ts/a`).write(a);
  openPublisher(t, `${url}/ts/b`).write(b);
  const [first, second] = [await one.arrival(0), await other.arrival(0)];
  await Promise.all([first.untilBytes(a.length), second.untilBytes(b.length)]);
  assert.ok(first.content.equals(a));
  assert.ok(second.content.equals(b));
});

test('the largest message that vw made arrives whole', async (t) => {
  const far = await FarEnd.open(t);
  const { url } = await startTestAgent(t);
  await post(`${url}/api/destinations`, { id: '0', stream: 'a', destination: far.url });
  const sent = blob(1_024_000);
  openPublisher(t, `${url}/ts/a`).write(sent);
  const client = await far.arrival(0);
  await client.untilBytes(sent.length);
  assert.ok(client.content.equals(sent));
});

test('a run of blobs of jumping sizes arrives in order', async (t) => {
  const far = await FarEnd.open(t);
  const { url } = await startTestAgent(t);
  await post(`${url}/api/destinations`, { id: '0', stream: 'a', destination: far.url });
  const client = await far.arrival(0);
  const publisher = openPublisher(t, `${url}/ts/a`);
  const sizes = [1, 188, 65_537, 3, 1_316, 200_000, 187, 189, 32_768, 2, 99_999, 376, 50_000];
  const sent = sizes.map((size, i) => blob(size, 2 * i + 1));
  let total = 0;
  for (const part of sent) {
    publisher.write(part);
    total += part.length;
  }
  publisher.end();
  await client.untilBytes(total);
  assert.ok(client.content.equals(Buffer.concat(sent)));
});

test('a file streamed by ffmpeg to two servers is complete at both', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'perch-vw-file-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const [source, expected] = [join(folder, 'source.mp4'), join(folder, 'expected.mpegts')];
  const made = [
    '-f',
    'lavfi',
    '-i',
    'testsrc2=size=640x480:rate=30:duration=8',
    '-f',
    'lavfi',
    '-i',
    'sine=duration=8',
  ];
  await run('ffmpeg', [
    '-loglevel',
    'error',
    ...made,
    '-c:v',
    'libx264',
    '-preset',
    'ultrafast',
    '-c:a',
    'aac',
    source,
  ]);
  const remux = ['-loglevel', 'error', '-nostdin', '-i', source, '-c', 'copy', '-f', 'mpegts'];
  await run('ffmpeg', [...remux, expected]);

  const [one, other] = [await FarEnd.open(t), await FarEnd.open(t)];
  // It comes much faster than it plays. Where time stands still nobody is late, so that no sound overtakes.
  const clock = new FakeClock();
  const { url } = await startTestAgent(t, { clock });
  await post(`${url}/api/streams`, { stream: 'stream/file', feeds: ['file'] });
  await post(`${url}/api/destinations`, { id: '0', stream: 'stream/file', destination: one.url });
  await post(`${url}/api/destinations`, { id: '1', stream: 'file', destination: other.url });
  const wanted = await readFile(expected);
  await run('ffmpeg', [...remux, `${url}/ts/file`]);
  const [stream, feed] = [await one.arrival(0), await other.arrival(0)];
  await feed.untilBytes(wanted.length);
  assert.ok(feed.content.equals(wanted), 'a feed passes byte for byte');
  // A stream is made anew of packets, for live takers: it holds the same pictures, and the same sound but for what would
  // overlap because a file comes faster than it plays.
  const digests = (kind: string, bytes: Uint8Array) =>
    unitsIn(bytes)
      .filter((unit) => unit.class === kind)
      .map(({ data }) => createHash('sha1').update(data).digest('hex'));
  const [pictures, whole] = [digests('video', wanted), digests('audio', wanted)];
  const hasLast = (kind: string, last: string | undefined) => digests(kind, stream.content).at(-1) === last;
  const isThere = () => hasLast('video', pictures.at(-1)) && hasLast('audio', whole.at(-1));
  const all = stream.until(isThere);
  clock.advance(1_000);
  await all;
  assert.deepEqual(digests('video', stream.content), pictures);
  const sound = digests('audio', stream.content);
  const kept = new Set(sound);
  assert.deepEqual(
    sound,
    whole.filter((unit) => kept.has(unit)),
  );
  assert.ok(
    sound.length >= whole.length - 44,
    `${sound.length} of ${whole.length}: at most a second is left out`,
  );
});

/** All that decoders would get of a stream. */
function unitsIn(bytes: Uint8Array): AccessUnit[] {
  const units: AccessUnit[] = [];
  const demuxer = new Demuxer({ onAccessUnit: (unit) => units.push({ ...unit, data: unit.data.slice() }) });
  demuxer.push(bytes);
  demuxer.flush();
  return units;
}

/** A WebSocket server that answers the handshake late. */
async function lateServer(t: TestContext, delayMs: number) {
  const server = createServer();
  const sockets = new WebSocketServer({ noServer: true });
  const client = new Promise<FarClient>((resolve) => {
    server.on('upgrade', (request, socket, head) => {
      setTimeout(
        () => sockets.handleUpgrade(request, socket, head, (ws) => resolve(new FarClient(ws))),
        delayMs,
      );
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets.clients) socket.terminate();
    server.close();
  });
  return { url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`, client };
}

test('a new destination that takes 300 ms to open costs the others nothing, and itself nothing either', async (t) => {
  const late = await lateServer(t, 300);
  const far = await FarEnd.open(t);
  const { url } = await startTestAgent(t);
  const viewer = await Client.connect(t, `${url}/ws/v`);
  await post(`${url}/api/destinations`, { id: '0', stream: 'v', destination: far.url });
  const first = await far.arrival(0);
  const publisher = openPublisher(t, `${url}/ts/v`);
  publisher.write(packet(0));
  await first.untilBytes(188);

  await post(`${url}/api/destinations`, { id: '1', stream: 'v', destination: late.url });
  const sent: Buffer[] = [];
  // 8 Mbit/s for a second.
  for (let i = 1; i <= 100; i++) {
    const part = Buffer.concat(Array.from({ length: 53 }, (_, k) => packet((i + k) & 0xff)));
    sent.push(part);
    publisher.write(part);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const wanted = Buffer.concat(sent);
  const second = await late.client;
  await Promise.all([
    viewer.untilBytes(188 + wanted.length),
    first.untilBytes(188 + wanted.length),
    second.untilBytes(wanted.length),
  ]);
  assert.ok(viewer.bytes.subarray(188).equals(wanted));
  assert.ok(first.content.subarray(188).equals(wanted));
  assert.ok(second.content.equals(wanted));
  for (const { data } of [...viewer.messages, ...first.messages, ...second.messages]) {
    assert.equal(data.length % 188, 0, 'no message cuts a packet');
  }
});

test('input of 50 Mbit/s without pauses loses nothing', async (t) => {
  const far = await FarEnd.open(t);
  const { url } = await startTestAgent(t);
  const viewer = await Client.connect(t, `${url}/ws/v`);
  await post(`${url}/api/destinations`, { id: '0', stream: 'v', destination: far.url });
  const client = await far.arrival(0);
  let seen = 0;
  viewer.socket.on('message', (data: Buffer) => {
    seen += data.length;
  });
  const publisher = openPublisher(t, `${url}/ts/v`);
  const bytesPerMs = 6_250;
  const total = Math.floor((2_000 * bytesPerMs) / 188);
  const wanted = Buffer.concat(Array.from({ length: total }, (_, i) => packet(i % 251)));
  let last = performance.now();
  for (let at = 0; at < wanted.length; await new Promise((resolve) => setTimeout(resolve, 1))) {
    const now = performance.now();
    // As much as is due by now, in pieces that cut packets anywhere. What a machine owes that stands still, or has others
    // to serve, is not asked of the agent.
    const isHeldUp = at - Math.min(seen, client.bytes) > 100 * bytesPerMs;
    const due = isHeldUp
      ? at
      : Math.min(wanted.length, at + Math.ceil(Math.min(100, now - last) * bytesPerMs));
    last = now;
    if (due > at) publisher.write(wanted.subarray(at, due));
    at = due;
  }
  await Promise.all([viewer.untilBytes(wanted.length), client.untilBytes(wanted.length)]);
  assert.ok(viewer.bytes.equals(wanted));
  assert.ok(client.content.equals(wanted));
});

test('a member that never reads harms only itself: the others get all, it is bounded, and its losses are counted', async (t) => {
  const { url } = await startTestAgent(t);
  const [good, bad] = [await Client.connect(t, `${url}/ws/v`), await Client.connect(t, `${url}/ws/v`)];
  bad.socket.pause();
  const publisher = openPublisher(t, `${url}/ts/v`);
  const wanted = Buffer.concat(Array.from({ length: 120_000 }, (_, i) => packet(i % 251)));
  for (let at = 0; at < wanted.length; at += 188 * 500) {
    publisher.write(wanted.subarray(at, at + 188 * 500));
    await good.untilBytes(Math.min(wanted.length, at + 188 * 500));
  }
  assert.ok(good.bytes.equals(wanted));
  const { members } = (await (await fetch(`${url}/api/stats`)).json()) as {
    members: { bytes: number; dropped: { bytes: number } }[];
  };
  const slow = members.find(({ dropped }) => dropped.bytes > 0);
  assert.ok(slow && slow.bytes <= 5 * 1024 * 1024, `${JSON.stringify(members)}`);
  bad.socket.resume();
  await bad.until(() => bad.messages.length > 0);
  for (const { data } of bad.messages) assert.equal(data.length % 188, 0);
});

test('garbage between packets is left out, and the packets after it arrive whole', async (t) => {
  const { url } = await startTestAgent(t);
  const viewer = await Client.connect(t, `${url}/ws/v`);
  const publisher = openPublisher(t, `${url}/ts/v`);
  const some = (from: number) => Buffer.concat(Array.from({ length: 10 }, (_, i) => packet(from + i)));
  publisher.write(Buffer.concat([some(0), blob(1_000), some(50), some(100)]));
  publisher.end();
  await publisher.answered;
  await viewer.untilBytes(28 * 188);
  for (const { data } of viewer.messages) assert.equal(data.length % 188, 0);
  assert.equal(viewer.bytes[100], 0);
  assert.equal(viewer.bytes.at(-1), 109);
});
