import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { PERCH_1, readWireHeader } from '@perch/protocol';
import { type Clock, silentLogger, systemClock } from '@perch/runtime';
import { FakeClock, Pictures } from '@perch/testkit';
import type { WebSocket } from 'ws';
import { Switchboard } from '../ingest/switchboard.ts';
import { makeDialer } from './dial.ts';
import { FarEnd, until } from './testing/far-end.ts';
import { Uplink } from './uplink.ts';

const watched = (socket: WebSocket | undefined, viewers: number) =>
  socket?.send(JSON.stringify({ type: 'watched', viewers }));

/** An agent's way to a Perch relay that says `viewers` at once, if it says anything. */
async function setUp(t: TestContext, viewers: number | undefined, clock: Clock = systemClock) {
  const far = await FarEnd.open(t, {
    protocol: PERCH_1,
    onOpen: (socket) => viewers !== undefined && watched(socket, viewers),
  });
  const switchboard = new Switchboard(clock);
  const rule = { id: '0', stream: 'v', destination: far.url, token: '', protocol: PERCH_1 } as const;
  const uplink = new Uplink({ rule, switchboard, dialer: await makeDialer(), clock, logger: silentLogger });
  t.after(() => uplink.close());
  const feed = switchboard.open('v');
  const pictures = new Pictures();
  uplink.start();
  await until(() => uplink.state.kind === 'open');
  const media = () => far.messages.filter(({ binary }) => binary).map(({ data }) => data);
  const said = () =>
    far.messages.filter(({ binary }) => !binary).map(({ data }) => JSON.parse(data.toString()).type);
  return { far, uplink, feed, pictures, media, said };
}

test('while nobody watches nothing is sent, but that there is something', async (t) => {
  const { far, uplink, feed, pictures, media, said } = await setUp(t, 0);
  await until(() => uplink.viewers === 0);
  feed.publish(pictures.key(), feed);
  for (let i = 0; i < 20; i++) feed.publish(pictures.next(), feed);
  await until(() => far.messages.length > 0);
  assert.deepEqual([said(), media().length], [['standby'], 0]);
  assert.deepEqual([uplink.dropped.messages, uplink.pressure], [0, undefined]);
});

test('the first viewer gets the last group of pictures as replay, then what is live', async (t) => {
  const { far, uplink, feed, pictures, media } = await setUp(t, 0);
  await until(() => uplink.viewers === 0);
  feed.publish(pictures.key(), feed);
  feed.publish(pictures.next(), feed);
  feed.publish(pictures.key(), feed);
  feed.publish(pictures.next(), feed);
  await until(() => far.messages.length > 0);
  watched(far.sockets[0], 1);
  await until(() => media().length === 2);
  feed.publish(pictures.next(), feed);
  await until(() => media().length === 3);
  assert.deepEqual(far.numbers, [2, 3, 4]);
  assert.deepEqual(
    media().map((data) => readWireHeader(data).replay),
    [true, true, false],
  );
});

test('it stops at once when the last viewer goes, and begins again with a group of now', async (t) => {
  const { far, uplink, feed, pictures, media } = await setUp(t, 1);
  feed.publish(pictures.key(), feed);
  await until(() => media().length === 1);
  watched(far.sockets[0], 0);
  await until(() => uplink.viewers === 0);
  feed.publish(pictures.next(), feed);
  feed.publish(pictures.key(), feed);
  await new Promise((resolve) => setImmediate(resolve));
  watched(far.sockets[0], 2);
  await until(() => media().length === 2);
  assert.deepEqual(far.numbers, [0, 2]);
});

test('what still waits when the last viewer goes is forgotten, and never comes after newer pictures', async (t) => {
  const { far, uplink, feed, pictures, media } = await setUp(t, 1, new FakeClock());
  await until(() => uplink.viewers === 1);
  const [socket] = far.sockets;
  socket?.pause();
  feed.publish(pictures.key(), feed);
  for (let i = 1; i < 30; i++) feed.publish(pictures.next(100_000), feed);
  await until(() => uplink.backlog > 2_000_000);
  watched(socket, 0);
  await until(() => uplink.viewers === 0);
  assert.ok(uplink.backlog < 1_000_000, `${uplink.backlog} bytes`);
  feed.publish(pictures.key(), feed);
  await new Promise((resolve) => setImmediate(resolve));
  watched(socket, 1);
  await until(() => uplink.viewers === 1);
  feed.publish(pictures.next(), feed);
  socket?.resume();
  await until(() => far.numbers.at(-1) === 31);
  const sent = media().length - 2;
  assert.deepEqual(far.numbers, [...Array.from({ length: sent }, (_, i) => i), 30, 31]);
  assert.deepEqual(uplink.dropped.messages, 0);
});

test('what comes before the relay has spoken is kept for it', async (t) => {
  const { far, uplink, feed, pictures, media } = await setUp(t, undefined, new FakeClock());
  feed.publish({ ...pictures.sound(), mark: { randomAccess: true, class: 'data' } }, feed);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(media().length, 0);
  watched(far.sockets[0], 1);
  await until(() => media().length === 1);
  assert.equal(uplink.viewers, 1);
});

test('a relay that says nothing for a second is sent to', async (t) => {
  const clock = new FakeClock();
  const { feed, pictures, media } = await setUp(t, undefined, clock);
  feed.publish(pictures.key(), feed);
  await new Promise((resolve) => setImmediate(resolve));
  clock.advance(1_000);
  await until(() => media().length === 1);
});

test('one whose place another publisher took waits a minute, and says why', async (t) => {
  const clock = new FakeClock();
  const { far, uplink } = await setUp(t, 1, clock);
  far.sockets[0]?.send('{"type":"replaced"}');
  far.sockets[0]?.close(4409, 'another publisher took over');
  await until(() => uplink.state.kind === 'waiting');
  const { state } = uplink;
  assert.ok(state.kind === 'waiting' && state.nextTryAt - clock.now() >= 60_000);
  assert.match(uplink.lastError ?? '', /took over/);
});
