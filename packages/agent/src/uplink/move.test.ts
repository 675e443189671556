import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type Clock, silentLogger, systemClock } from '@perch/runtime';
import { FakeClock, Pictures } from '@perch/testkit';
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
  assert.deepEqual(uplink.dropped, { messages: 0, bytes: 0 });
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
