import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { PERCH_1 } from '@perch/protocol';
import { type Clock, silentLogger, systemClock } from '@perch/runtime';
import { FakeClock, Pictures } from '@perch/testkit';
import type { WebSocket } from 'ws';
import { Switchboard } from '../ingest/switchboard.ts';
import { makeDialer } from './dial.ts';
import { FarEnd, until } from './testing/far-end.ts';
import { Uplink } from './uplink.ts';

async function setUp(t: TestContext, destination: string, clock: Clock = systemClock) {
  const switchboard = new Switchboard(clock);
  const rule = { id: '0', stream: 'v', destination, token: '' };
  const uplink = new Uplink({ rule, switchboard, dialer: await makeDialer(), clock, logger: silentLogger });
  t.after(() => uplink.close());
  const feed = switchboard.open('v');
  const pictures = new Pictures();
  uplink.start();
  const play = (count: number, group = 5) => {
    for (let i = 0; i < count; i++) feed.publish(i % group === 0 ? pictures.key() : pictures.next(), feed);
  };
  return { uplink, feed, pictures, rule, play, switchboard };
}

const upTo = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i);

test('a new destination that is slow to open is made before the old one is broken: every picture arrives once', async (t) => {
  const opens = Promise.withResolvers<void>();
  const [old, fresh] = [await FarEnd.open(t), await FarEnd.open(t, { delay: opens.promise })];
  const { uplink, feed, pictures, rule, play } = await setUp(t, old.url);
  await until(() => uplink.state.kind === 'open');
  play(7);
  uplink.move({ ...rule, destination: fresh.url });
  play(10);
  await until(() => old.numbers.length === 17);
  assert.equal(uplink.moving?.state.kind, 'connecting');
  opens.resolve();
  await until(() => uplink.moving?.state.kind === 'open');
  // Still in the middle of a group: the old one goes on.
  feed.publish(pictures.next(), feed);
  feed.publish(pictures.sound(), feed);
  // One turn that brings the end of a group and the begin of the next.
  play(3);
  feed.publish(pictures.next(), feed);
  await until(() => old.codes.length === 1 && fresh.numbers.length === 4);
  assert.deepEqual(old.codes, [1000]);
  assert.deepEqual(old.numbers, upTo(0, 18));
  assert.deepEqual(fresh.numbers, upTo(18, 4));
  // It begins with PAT and PMT, so that it can be decoded.
  assert.deepEqual([fresh.messages[0]?.data[0], (fresh.messages[0]?.data[1] ?? 0) & 0x1f], [0x47, 0]);
  assert.equal(uplink.moving, undefined);
  assert.equal(uplink.rule.destination, fresh.url);
  assert.equal(uplink.dropped.messages, 0);
  assert.equal(uplink.frames, 22);
});

test('while the new one cannot be reached the old one goes on, and it is said', async (t) => {
  const old = await FarEnd.open(t);
  const { uplink, rule, play } = await setUp(t, old.url);
  await until(() => uplink.state.kind === 'open');
  uplink.move({ ...rule, destination: 'ws://127.0.0.1:1/in/v' });
  await until(() => uplink.moving?.state.kind === 'waiting');
  play(10);
  await until(() => old.numbers.length === 10);
  assert.match(uplink.moving?.lastError ?? '', /ECONNREFUSED/);
  assert.deepEqual([uplink.state.kind, old.codes], ['open', []]);
});

test('a third destination takes the place of a second that was never reached', async (t) => {
  const [old, fresh] = [await FarEnd.open(t), await FarEnd.open(t)];
  const { uplink, rule, play } = await setUp(t, old.url);
  await until(() => uplink.state.kind === 'open');
  play(3);
  uplink.move({ ...rule, destination: 'ws://127.0.0.1:1/in/v' });
  uplink.move({ ...rule, destination: fresh.url });
  await until(() => uplink.moving?.state.kind === 'open');
  play(3);
  await until(() => fresh.numbers.length === 3);
  assert.deepEqual([old.numbers, fresh.numbers], [upTo(0, 3), upTo(3, 3)]);
});

test('where no random access point comes the switch is made after 2 s, with the last group of pictures', async (t) => {
  const clock = new FakeClock();
  const [old, fresh] = [await FarEnd.open(t), await FarEnd.open(t)];
  const { uplink, feed, pictures, rule, play } = await setUp(t, old.url, clock);
  await until(() => uplink.state.kind === 'open');
  play(4);
  uplink.move({ ...rule, destination: fresh.url });
  await until(() => uplink.moving?.state.kind === 'open');
  feed.publish(pictures.next(), feed);
  await until(() => old.numbers.length === 5);
  clock.advance(2_000);
  feed.publish(pictures.next(), feed);
  await until(() => fresh.numbers.length === 6);
  assert.deepEqual(fresh.numbers, upTo(0, 6));
  await until(() => old.codes.length === 1);
  assert.deepEqual(old.numbers, upTo(0, 5));
});

test('a destination can be given another topic without being left without pictures', async (t) => {
  const [old, fresh] = [await FarEnd.open(t), await FarEnd.open(t)];
  const { uplink, rule, play, switchboard } = await setUp(t, old.url);
  await until(() => uplink.state.kind === 'open');
  const other = switchboard.open('w');
  const others = new Pictures();
  uplink.move({ ...rule, stream: 'w', destination: fresh.url });
  await until(() => uplink.moving?.state.kind === 'open');
  other.publish(others.next(), other);
  play(3);
  await until(() => old.numbers.length === 3);
  other.publish(others.key(), other);
  other.publish(others.next(), other);
  await until(() => fresh.numbers.length === 2 && old.codes.length === 1);
  assert.deepEqual(fresh.numbers, [1, 2]);
  assert.deepEqual([switchboard.takers('v'), switchboard.takers('w')], [0, 1]);
});

test('data that are no transport stream go on at the next message', async (t) => {
  const [old, fresh] = [await FarEnd.open(t), await FarEnd.open(t)];
  const { uplink, feed, rule } = await setUp(t, old.url);
  await until(() => uplink.state.kind === 'open');
  const say = (text: string) =>
    feed.publish({ bytes: Buffer.from(text), text: true, mark: { randomAccess: true, class: 'data' } }, feed);
  say('one');
  uplink.move({ ...rule, destination: fresh.url });
  say('two');
  await until(() => old.codes.length === 1);
  say('three');
  await until(() => fresh.messages.length === 1);
  const said = (far: FarEnd) => far.messages.map(({ data }) => data.toString());
  assert.deepEqual([said(old), said(fresh)], [['one', 'two'], ['three']]);
});

test('an end in the middle of a move closes both', async (t) => {
  const [old, fresh] = [await FarEnd.open(t), await FarEnd.open(t)];
  const { uplink, rule, play, switchboard } = await setUp(t, old.url);
  await until(() => uplink.state.kind === 'open');
  play(3);
  uplink.move({ ...rule, destination: fresh.url });
  await until(() => uplink.moving?.state.kind === 'open');
  await uplink.close();
  await until(() => old.codes.length === 1 && fresh.codes.length === 1);
  assert.deepEqual([old.codes, fresh.codes], [[1000], [1000]]);
  assert.equal(switchboard.takers('v'), 0);
});

test('an end while the old one is still being read stops that at once too', async (t) => {
  const [old, fresh] = [await FarEnd.open(t), await FarEnd.open(t)];
  const { uplink, feed, pictures, rule } = await setUp(t, old.url, new FakeClock());
  await until(() => uplink.state.kind === 'open');
  const [socket] = old.sockets;
  socket?.pause();
  feed.publish(pictures.key(), feed);
  for (let i = 1; i < 30; i++) feed.publish(pictures.next(100_000), feed);
  await until(() => uplink.backlog > 2_000_000);
  uplink.move({ ...rule, destination: fresh.url });
  await until(() => uplink.moving?.state.kind === 'open');
  feed.publish(pictures.key(), feed);
  await until(() => fresh.numbers.length === 1);
  const closed = uplink.close();
  socket?.resume();
  await closed;
  await until(() => old.codes.length === 1);
  assert.deepEqual(old.codes, [1000]);
  assert.ok(old.numbers.length < 30, `${old.numbers.length} of 30 were still delivered`);
  assert.equal(uplink.dropped.byClass.video, 30 - old.numbers.length);
});

test('where the old one is lost meanwhile the new one takes over at once, with the last group of pictures', async (t) => {
  const [old, fresh] = [await FarEnd.open(t), await FarEnd.open(t)];
  const { uplink, feed, pictures, rule, play } = await setUp(t, old.url, new FakeClock());
  await until(() => uplink.state.kind === 'open');
  play(4);
  uplink.move({ ...rule, destination: fresh.url });
  await until(() => uplink.moving?.state.kind === 'open' && old.numbers.length === 4);
  old.sockets[0]?.terminate();
  await until(() => uplink.state.kind === 'waiting');
  feed.publish(pictures.next(), feed);
  await until(() => fresh.numbers.length === 5);
  assert.deepEqual(fresh.numbers, upTo(0, 5));
  assert.equal(uplink.moving, undefined);
});

test('one that is given another address before it was reached begins there with the last group of pictures', async (t) => {
  const fresh = await FarEnd.open(t);
  const { uplink, rule, play } = await setUp(t, 'ws://127.0.0.1:1/in/v', new FakeClock());
  play(7);
  await until(() => uplink.state.kind === 'waiting');
  uplink.move({ ...rule, destination: fresh.url });
  await until(() => fresh.numbers.length === 2);
  assert.deepEqual(fresh.numbers, [5, 6]);
});

test('a Perch relay is moved to when it has said whether somebody watches, and no picture is lost meanwhile', async (t) => {
  const [old, fresh] = [await FarEnd.open(t), await FarEnd.open(t, { protocol: PERCH_1 })];
  const { uplink, rule, play } = await setUp(t, old.url, new FakeClock());
  await until(() => uplink.state.kind === 'open');
  play(3);
  uplink.move({ ...rule, destination: fresh.url, protocol: PERCH_1 });
  await until(() => uplink.moving?.state.kind === 'open');
  // Two groups come before it speaks.
  play(10);
  await until(() => old.numbers.length === 13);
  fresh.sockets[0]?.send('{"type":"watched","viewers":1}');
  fresh.sockets[0]?.send('{"type":"ping","t":1}');
  await until(() => fresh.messages.length === 1);
  play(4);
  await until(() => fresh.numbers.length === 4 && old.codes.length === 1);
  assert.deepEqual([old.numbers, fresh.numbers], [upTo(0, 13), upTo(13, 4)]);
});

test('a destination that takes 10 s to open is waited for while another goes on', async (t) => {
  const clock = new FakeClock();
  const opens = Promise.withResolvers<void>();
  const [old, fresh] = [await FarEnd.open(t), await FarEnd.open(t, { delay: opens.promise })];
  const { uplink, rule, play } = await setUp(t, old.url, clock);
  await until(() => uplink.state.kind === 'open');
  uplink.move({ ...rule, destination: fresh.url });
  for (let second = 0; second < 12; second++) {
    play(5);
    await until(() => old.numbers.length === 5 * (second + 1));
    clock.advance(1_000);
  }
  assert.deepEqual([uplink.moving?.state.kind, uplink.moving?.lastError], ['connecting', undefined]);
  opens.resolve();
  await until(() => uplink.moving?.state.kind === 'open');
  play(5);
  await until(() => fresh.numbers.length === 5);
  assert.deepEqual([old.numbers, fresh.numbers], [upTo(0, 60), upTo(60, 5)]);
});

test('at the same address the old connection stays until the far end has heard the new one', async (t) => {
  const far = await FarEnd.open(t);
  const clock = new FakeClock();
  const { uplink, feed, pictures, rule } = await setUp(t, far.url, clock);
  await until(() => uplink.state.kind === 'open');
  // Nothing has come yet with which one could begin.
  uplink.move({ ...rule });
  await until(() => far.sockets.length === 2 && uplink.moving === undefined);
  const [old, fresh] = far.sockets;
  old?.ping();
  await once(old as WebSocket, 'pong');
  assert.deepEqual(far.codes, []);
  const heard = once(fresh as WebSocket, 'message');
  feed.publish(pictures.key(), feed);
  await heard;
  await until(() => far.codes.length === 1);
  assert.deepEqual([far.numbers, far.codes], [[0], [1000]]);
});

test('the same address dialled anew reads all of the old connection before the first of the new one', async (t) => {
  const far = await FarEnd.open(t);
  const { uplink, feed, pictures, rule, play } = await setUp(t, far.url, new FakeClock());
  await until(() => uplink.state.kind === 'open');
  play(3);
  await until(() => far.numbers.length === 3);
  uplink.move({ ...rule });
  await until(() => uplink.moving?.state.kind === 'open');
  const [old, fresh] = far.sockets;
  old?.pause();
  const heard = once(fresh as WebSocket, 'message');
  feed.publish(pictures.next(), feed);
  feed.publish(pictures.key(), feed);
  feed.publish(pictures.next(), feed);
  await until(() => uplink.moving === undefined);
  // Enough turns for it to arrive, if it had been sent.
  fresh?.ping();
  await once(fresh as WebSocket, 'pong');
  assert.deepEqual(far.numbers, upTo(0, 3));
  old?.resume();
  await heard;
  await until(() => far.numbers.length === 6 && far.codes.length === 1);
  assert.deepEqual([far.numbers, far.codes], [upTo(0, 6), [1000]]);
});
