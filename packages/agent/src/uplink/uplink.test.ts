import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { Batch, HubMessage, Taker } from '@perch/hub';
import { PERCH_1, readWireHeader, WIRE_HEADER_BYTES } from '@perch/protocol';
import { type Clock, silentLogger, systemClock } from '@perch/runtime';
import { FakeClock } from '@perch/testkit';
import { type WebSocket, WebSocketServer } from 'ws';
import { Switchboard } from '../ingest/switchboard.ts';
import type { DestinationRule } from '../rules/rule.ts';
import { makeDialer } from './dial.ts';
import { Uplink } from './uplink.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A message of one class that weighs `size`, told by its first byte. */
function message(tag: number, kind: 'video' | 'audio', randomAccess: boolean, size = 188): HubMessage {
  const bytes = Buffer.alloc(size, tag);
  return { bytes, text: false, mark: { class: kind, randomAccess, capturedAt: 1_800_000_000_000_000 } };
}

async function setUp(
  t: TestContext,
  options: { rule?: Partial<DestinationRule>; protocol?: string; clock?: Clock } = {},
) {
  const { clock = systemClock, protocol } = options;
  const handleProtocols = () => protocol ?? false;
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, handleProtocols });
  await once(server, 'listening');
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/in/v`;
  const switchboard = new Switchboard(clock);
  const rule = { id: '0', stream: 'v', destination: url, token: '', ...options.rule };
  const uplink = new Uplink({ rule, switchboard, dialer: await makeDialer(), clock, logger: silentLogger });
  const feed = switchboard.open('v');
  t.after(async () => {
    await uplink.close();
    for (const client of server.clients) client.terminate();
    server.close();
  });
  const far = once(server, 'connection').then(([socket]) => socket as WebSocket);
  return { server, switchboard, uplink, feed, far };
}

async function untilOpen(uplink: Uplink): Promise<void> {
  while (uplink.state.kind !== 'open') await turn();
}

test('to a Perch relay each message has its mark, its number and when it arrived', async (t) => {
  const { uplink, feed, far } = await setUp(t, { rule: { protocol: PERCH_1 }, protocol: PERCH_1 });
  uplink.start();
  const socket = await far;
  await untilOpen(uplink);
  const heard: Buffer[] = [];
  socket.on('message', (data: Buffer) => heard.push(data));
  feed.publish(message(1, 'video', true), feed);
  feed.publish(message(2, 'audio', false), feed);
  while (heard.length < 2) await turn();
  const capturedAt = 1_800_000_000_000_000;
  const [first, second] = heard.map((data) => readWireHeader(data));
  assert.deepEqual(first, {
    randomAccess: true,
    class: 'video',
    sequence: 0,
    text: false,
    replay: false,
    capturedAt,
  });
  assert.deepEqual(second, {
    randomAccess: false,
    class: 'audio',
    sequence: 1,
    text: false,
    replay: false,
    capturedAt,
  });
  assert.deepEqual(heard[1]?.subarray(WIRE_HEADER_BYTES), Buffer.alloc(188, 2));
});

test('to a Perch relay the token goes in the handshake, and no message waits for an answer to it', async (t) => {
  const { uplink, server, feed } = await setUp(t, {
    rule: { protocol: PERCH_1, token: 'TOK' },
    protocol: PERCH_1,
  });
  const arrived = once(server, 'connection') as Promise<[WebSocket, IncomingMessage]>;
  uplink.start();
  const [socket, { url, headers }] = await arrived;
  assert.deepEqual([url, headers['sec-websocket-protocol']], ['/in/v', 'perch.1,bearer.TOK']);
  const first = once(socket, 'message');
  await untilOpen(uplink);
  feed.publish(message(1, 'video', true), feed);
  assert.equal(readWireHeader((await first)[0] as Buffer).class, 'video');
});

test("a Perch relay's control messages are answered or ignored, and no member hears them", async (t) => {
  const { uplink, switchboard, far } = await setUp(t, { rule: { protocol: PERCH_1 }, protocol: PERCH_1 });
  const heard: string[] = [];
  const ear: Taker = {
    take: (batch: Batch) =>
      void heard.push(...batch.messages.map(({ bytes }) => Buffer.from(bytes).toString())),
  };
  using _ = switchboard.join('v', ear);
  uplink.start();
  const socket = await far;
  await untilOpen(uplink);
  const answered = once(socket, 'message');
  socket.send('{"type":"watched","viewers":3}');
  socket.send('{"type":"ping","t":5}');
  const [answer] = await answered;
  const pong = JSON.parse(String(answer)) as { type: string; t: number; now: number };
  assert.deepEqual([pong.type, pong.t, typeof pong.now], ['pong', 5, 'number']);
  assert.deepEqual(heard, []);
});

test('a Perch relay that breaks its own protocol is left with 1002 and dialled again later', async (t) => {
  const { uplink, far } = await setUp(t, { rule: { protocol: PERCH_1 }, protocol: PERCH_1 });
  uplink.start();
  const socket = await far;
  await untilOpen(uplink);
  const closed = once(socket, 'close');
  socket.send(Buffer.from('no header'));
  assert.equal((await closed)[0], 1002);
  while (uplink.state.kind !== 'waiting') await turn();
  assert.match(uplink.lastError ?? '', /1002/);
});

test('what is published while the far end is being dialled is kept for it, but not without bound', async (t) => {
  const { uplink, feed, far } = await setUp(t);
  uplink.start();
  feed.publish(message(1, 'video', true), feed);
  for (let i = 0; i < 100; i++) feed.publish(message(2, 'video', false, 100_000), feed);
  feed.publish(message(3, 'video', true), feed);
  feed.publish(message(4, 'audio', false), feed);
  await turn();
  assert.equal(uplink.state.kind, 'connecting');
  assert.ok(uplink.backlog <= 1024 * 1024);
  const tags: number[] = [];
  (await far).on('message', (data: Buffer) => tags.push(data[0] ?? -1));
  while (tags.at(-1) !== 4) await turn();
  // What was left out ends at a random access point, so a decoder never sees a torn picture.
  assert.equal(tags.at(-2), 3);
  assert.ok(uplink.dropped.messages > 0);
});

test('a destination that reads too slowly gets whole messages, resumes at a random access point, and keeps its sound', async (t) => {
  const { uplink, feed, far } = await setUp(t);
  uplink.start();
  const socket = await far;
  await untilOpen(uplink);
  const heard: { tag: number; size: number }[] = [];
  socket.on('message', (data: Buffer) => heard.push({ tag: data[0] ?? -1, size: data.length }));
  socket.pause();
  const [KEY, PICTURE, SOUND] = [1, 2, 3];
  for (let group = 0; group < 40; group++) {
    feed.publish(message(KEY, 'video', true, 50_000), feed);
    for (let i = 0; i < 9; i++) feed.publish(message(PICTURE, 'video', false, 50_000), feed);
    feed.publish(message(SOUND, 'audio', false, 188), feed);
    await turn();
  }
  assert.ok(uplink.dropped.bytes > 5_000_000, `${uplink.dropped.bytes} of 20 MB left out`);
  assert.ok(uplink.backlog <= 5 * 1024 * 1024);
  socket.resume();
  // Once it reads again it is given pictures again, from a random access point on.
  const before = uplink.dropped.messages;
  for (let sent = 0; ; sent++) {
    feed.publish(message(KEY, 'video', true, 1_000), feed);
    await turn();
    if (heard.some(({ tag, size }) => tag === KEY && size === 1_000)) break;
    assert.ok(sent < 100_000);
  }
  assert.ok(uplink.dropped.messages >= before);
  assert.ok(heard.every(({ size }) => size === 50_000 || size === 188 || size === 1_000));
  assert.equal(heard.filter(({ tag }) => tag === SOUND).length, 40);
  // After each gap in the picture the next picture is one that a decoder can begin with.
  const pictures = heard.filter(({ tag }) => tag !== SOUND);
  let inGroup = 0;
  for (const { tag } of pictures) {
    inGroup = tag === KEY ? 0 : inGroup + 1;
    assert.ok(inGroup <= 9);
  }
});

test('while a destination waits for its next try what is published is counted as left out, and nothing is kept', async (t) => {
  const clock = new FakeClock();
  const { uplink, feed } = await setUp(t, { clock, rule: { destination: 'ws://127.0.0.1:1/' } });
  uplink.start();
  while (uplink.state.kind !== 'waiting') await turn();
  for (let i = 0; i < 10; i++) feed.publish(message(1, 'video', true), feed);
  await turn();
  const { messages, bytes, byClass } = uplink.dropped;
  assert.deepEqual([messages, bytes, uplink.backlog], [10, 1_880, 0]);
  assert.deepEqual(byClass, { video: 10, audio: 0, data: 0 });
});

test('a closed uplink leaves its topic', async (t) => {
  const { uplink, switchboard, far } = await setUp(t);
  uplink.start();
  const socket = await far;
  await untilOpen(uplink);
  socket.send('back');
  while ([...switchboard.feeds][0]?.publishers !== 2) await turn();
  const closed = once(socket, 'close');
  await uplink.close();
  assert.equal((await closed)[0], 1000);
  assert.deepEqual([switchboard.takers('v'), [...switchboard.feeds][0]?.publishers], [0, 1]);
});
