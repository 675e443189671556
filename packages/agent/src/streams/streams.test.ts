import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Batch, HubMessage, Taker, TopicMessage } from '@perch/hub';
import { FakeClock } from '@perch/testkit';
import { Switchboard } from '../ingest/switchboard.ts';
import type { StreamRule } from '../rules/rule.ts';
import type { Pressure } from './chooser.ts';
import { Streams } from './streams.ts';
import { Encoder } from './testing/encoder.ts';
import { FakeCombining } from './testing/fakes.ts';

/** Hears from whom messages are, by the name that the fake combiner puts before them, or what they say. */
class Ear implements Taker {
  readonly heard: string[] = [];
  readonly messages: TopicMessage[] = [];
  take(batch: Batch): void {
    for (const message of batch.messages) {
      this.messages.push(message);
      this.heard.push(Buffer.from(message.bytes).toString('latin1').split('G', 1)[0] ?? '');
    }
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const text = (content: string): HubMessage => ({
  bytes: Buffer.from(content),
  text: true,
  mark: { randomAccess: true, class: 'data' },
});
const media = (bytes: Uint8Array): HubMessage => ({
  bytes,
  text: false,
  mark: { randomAccess: false, class: 'data' },
});

function setUp() {
  const clock = new FakeClock();
  const switchboard = new Switchboard(clock);
  const combining = new FakeCombining();
  const pressures = new Map<string, Pressure>();
  const streams = new Streams({
    switchboard,
    clock,
    combining,
    pressure: (stream) => pressures.get(stream),
  });
  const setRules = (...rules: StreamRule[]) =>
    streams.setRules({ streams: new Map(rules.map((rule) => [rule.stream, rule])), feeds: new Map() });
  const open = (feed: string, kind: 'video' | 'audio' = 'video') => {
    const [input, encoder] = [switchboard.open(feed), new Encoder(kind)];
    return {
      input,
      send: () => input.publish(media(encoder.unit({ key: true })), input),
      say: (what: string) => input.publish(text(what), input),
    };
  };
  const listen = (topic: string) => {
    const ear = new Ear();
    return { ear, leave: switchboard.join(topic, ear) };
  };
  return { clock, switchboard, combining, streams, setRules, open, listen, pressures };
}

test('a stream carries what its feeds carry, from the moment of its rule, for those who were there before', async () => {
  const { open, listen, setRules } = setUp();
  const { ear } = listen('stream/x');
  const [video, audio] = [open('v'), open('a', 'audio')];
  const send = async () => {
    video.send();
    audio.send();
    await turn();
    return ear.heard.splice(0).join('');
  };
  assert.equal(await send(), '');
  setRules({ stream: 'stream/x', feeds: ['v', 'a', 'v'] });
  assert.equal(await send(), 'v:a:');
  setRules({ stream: 'stream/x', feeds: ['v'] });
  assert.equal(await send(), 'v:');
  setRules({ stream: 'stream/x', feeds: null });
  assert.equal(await send(), '');
  setRules();
  assert.equal(await send(), '');
});

test('messages of a stream say when they were captured, in microseconds of the wall clock', async () => {
  const { open, listen, setRules, clock } = setUp();
  const { ear } = listen('stream/x');
  setRules({ stream: 'stream/x', feeds: ['v'] });
  open('v').send();
  await turn();
  assert.equal(ear.messages[0]?.mark.capturedAt, clock.wall() * 1000);
});

test('a changed rule changes the running program, and one that names a feed to come waits for it', () => {
  const { open, listen, setRules, combining } = setUp();
  listen('stream/x');
  setRules({ stream: 'stream/x', feeds: ['v', 'a'] });
  open('v').send();
  open('a', 'audio').send();
  setRules({ stream: 'stream/x', feeds: ['v'] });
  assert.equal(combining.combiners.length, 1);
  assert.deepEqual(combining.combiners[0]?.changes, ['v', 'v a', 'v']);
});

test('a rule that did not change is not touched when another does', () => {
  const { open, listen, setRules, combining } = setUp();
  listen('stream/x');
  const rule = { stream: 'stream/x', feeds: ['v'] };
  setRules(rule);
  open('v').send();
  for (let i = 0; i < 10; i++) setRules(rule, { stream: 'stream/y', feeds: [`${i}`] });
  assert.deepEqual(combining.combiners[0]?.changes, ['v']);
});

test('a feed is read once for all streams that it is in, and only when a rule names it', () => {
  const { open, listen, setRules, combining } = setUp();
  listen('stream/x');
  listen('stream/y');
  const video = open('v');
  video.send();
  assert.equal(combining.feeds.length, 0);
  setRules({ stream: 'stream/x', feeds: ['v'] }, { stream: 'stream/y', feeds: ['v'] });
  video.send();
  assert.deepEqual([combining.feeds.length, combining.combiners.length], [1, 2]);
  assert.equal(combining.feeds[0]?.log.length, 1);
});

test('only names that begin with stream/ are put together', async () => {
  const { open, listen, setRules } = setUp();
  const { ear } = listen('front');
  setRules({ stream: 'front', feeds: ['v'] });
  open('v').send();
  await turn();
  assert.deepEqual(ear.heard, []);
});

test('a stream that nobody takes does nothing, though its feeds stay warm; no timer is left', () => {
  const { open, listen, setRules, combining, clock } = setUp();
  setRules({ stream: 'stream/x', feeds: ['v'] });
  const video = open('v');
  video.send();
  clock.advance(1_000);
  assert.deepEqual([combining.combiners.length, clock.pending], [0, 0]);
  const { leave } = listen('stream/x');
  clock.advance(1_000);
  const [combiner] = combining.combiners;
  assert.equal(combiner?.ticks, 50);
  assert.equal(clock.pending, 1);
  leave[Symbol.dispose]();
  clock.advance(20);
  assert.deepEqual([combiner?.isClosed, clock.pending], [true, 0]);
  video.send();
  assert.equal(combining.feeds[0]?.log.length, 2);
});

test('somebody who leaves and comes back at once finds the same program', () => {
  const { open, listen, setRules, combining, clock } = setUp();
  setRules({ stream: 'stream/x', feeds: ['v'] });
  listen('stream/x').leave[Symbol.dispose]();
  const { leave } = listen('stream/x');
  open('v').send();
  leave[Symbol.dispose]();
  listen('stream/x');
  clock.advance(100);
  assert.deepEqual([combining.combiners.length, combining.combiners[0]?.isClosed], [1, false]);
});

test('a feed that no rule names stays warm while somebody publishes, and is forgotten then', () => {
  const { open, setRules, combining, streams } = setUp();
  setRules({ stream: 'stream/x', feeds: ['v'] });
  const video = open('v');
  video.send();
  setRules({ stream: 'stream/x', feeds: [] });
  video.send();
  setRules({ stream: 'stream/x', feeds: ['v'] });
  video.send();
  assert.deepEqual([combining.feeds.length, combining.feeds[0]?.log.length], [1, 3]);
  setRules();
  assert.ok(streams.intake('v'));
  video.input.close();
  assert.equal(streams.intake('v'), undefined);
});

test('a feed of texts is kept the same way', () => {
  const { open, setRules, streams } = setUp();
  setRules({ stream: 'stream/x', feeds: ['d'] });
  const data = open('d');
  data.say('1');
  setRules();
  assert.ok(streams.intake('d'));
  data.input.close();
  assert.equal(streams.intake('d'), undefined);
});

test('a feed whose publisher ended is interrupted at once, and kept while a rule names it', () => {
  const { open, setRules, combining, streams } = setUp();
  setRules({ stream: 'stream/x', feeds: ['v'] });
  const video = open('v');
  video.send();
  video.input.close();
  assert.equal(combining.feeds[0]?.log.at(-1)?.kind, 'interrupt');
  open('v').send();
  assert.equal(combining.feeds.length, 1);
  setRules();
  assert.ok(streams.intake('v'));
});

test('messages that are no transport stream pass as they are while the stream carries none', async () => {
  const { open, listen, setRules } = setUp();
  const { ear } = listen('stream/x');
  setRules({ stream: 'stream/x', feeds: ['d', 'v'] });
  const data = open('d');
  data.say('52.5');
  data.input.publish(media(Buffer.from('binary')), data.input);
  await turn();
  assert.deepEqual(ear.heard, ['52.5', 'binary']);
  assert.deepEqual(
    ear.messages.map(({ text }) => text),
    [true, false],
  );
});

test('beside a picture they become data of the program, also while the picture is muted', async () => {
  const { open, listen, setRules, combining } = setUp();
  const { ear } = listen('stream/x');
  setRules({ stream: 'stream/x', feeds: ['d', 'v'] });
  open('v').send();
  const data = open('d');
  data.say('1');
  setRules({ stream: 'stream/x', feeds: ['d'] });
  data.say('2');
  await turn();
  assert.deepEqual(ear.heard, ['v:', 'd:1', 'd:2']);
  assert.deepEqual(combining.feeds.find(({ name }) => name === 'd')?.log.length, 2);
});

test('a message says from whom it is, so that they do not hear it back', async () => {
  const { switchboard, setRules, listen } = setUp();
  const { ear } = listen('stream/x');
  setRules({ stream: 'stream/x', feeds: ['d'] });
  switchboard.open('d').publish(text('text'), 'me');
  switchboard.open('d').publish(media(Buffer.from('bytes')), 'you');
  await turn();
  assert.deepEqual(
    ear.messages.map(({ from }) => from),
    ['me', 'you'],
  );
});

test('the delay of a feed holds from its beginning, and from each change of its rule', () => {
  const { open, streams, combining } = setUp();
  const rules = { streams: new Map([['stream/x', { stream: 'stream/x', feeds: ['v'] }]]) };
  const delay = (delayMs: number) =>
    streams.setRules({ ...rules, feeds: new Map([['v', { feed: 'v', delayMs }]]) });
  delay(20);
  open('v').send();
  assert.equal(combining.feeds[0]?.delayMs, 20);
  delay(40);
  assert.equal(combining.feeds[0]?.delayMs, 40);
  streams.setRules({ ...rules, feeds: new Map() });
  assert.equal(combining.feeds[0]?.delayMs, 0);
});

const choice: StreamRule = {
  stream: 'stream/x',
  feeds: null,
  alternatives: [
    ['l', 'a'],
    ['s', 'a'],
  ],
};

test('of alternatives the best is on, and the next when the way out is full, begun before the old one ends', () => {
  const { open, listen, setRules, combining, pressures, clock, streams } = setUp();
  listen('stream/x');
  setRules(choice);
  const feeds = ['l', 's', 'a'].map((feed) => open(feed));
  const run = (seconds: number) => {
    for (let i = 0; i < seconds; i++) {
      for (const feed of feeds) feed.send();
      clock.advance(1_000);
    }
  };
  for (const feed of feeds) feed.send();
  const [combiner] = combining.combiners;
  assert.equal(combiner?.changes.at(-1), 'l a +');
  pressures.set('stream/x', { delayMs: 900, droppedMessages: 0 });
  run(1);
  assert.equal(combiner?.changes.at(-1), 's a +');
  const stream = streams.get('stream/x');
  assert.deepEqual([stream?.alternative, stream?.feeds], [1, ['s', 'a']]);
  pressures.set('stream/x', { delayMs: 0, droppedMessages: 0 });
  run(11);
  assert.deepEqual([combiner?.changes.at(-1), stream?.alternative], ['l a +', 0]);
});

test('an alternative whose own feed is missing or silent is passed over, a shared one may be missing', () => {
  const { open, listen, setRules, pressures, clock, streams } = setUp();
  listen('stream/x');
  setRules(choice);
  const on = () => streams.get('stream/x')?.alternative;
  const small = open('s');
  small.send();
  clock.advance(500);
  assert.equal(on(), 1);
  const large = open('l');
  large.send();
  clock.advance(500);
  assert.equal(on(), 0);
  small.input.close();
  pressures.set('stream/x', { delayMs: 900, droppedMessages: 0 });
  clock.advance(1_000);
  assert.equal(on(), 0);
  open('s').send();
  clock.advance(1_000);
  assert.equal(on(), 1, 'the large one has been silent for 2 s');
});

test('the order of the feeds is that of the rule, also when only that changes', () => {
  const { open, listen, setRules, combining } = setUp();
  listen('stream/x');
  setRules({ stream: 'stream/x', feeds: ['v', 'w'] });
  for (const feed of ['v', 'w']) open(feed).send();
  setRules({ stream: 'stream/x', feeds: ['w', 'v'] });
  assert.deepEqual(combining.combiners[0]?.changes.slice(-2), ['v w', 'w v']);
});

test('posting a rule with the same alternatives again does not change which is on', () => {
  const { open, listen, setRules, pressures, clock, streams } = setUp();
  listen('stream/x');
  setRules(choice);
  for (const feed of ['l', 's']) open(feed).send();
  pressures.set('stream/x', { delayMs: 900, droppedMessages: 0 });
  clock.advance(1_000);
  setRules({ ...choice });
  assert.equal(streams.get('stream/x')?.alternative, 1);
  setRules({ stream: 'stream/x', feeds: ['l'] });
  assert.equal(streams.get('stream/x')?.alternative, undefined);
});

test('64 feeds make one stream', async () => {
  const { open, listen, setRules } = setUp();
  const { ear } = listen('stream/x');
  const feeds = Array.from({ length: 64 }, (_, i) => `f${i}`);
  setRules({ stream: 'stream/x', feeds });
  for (const feed of feeds) open(feed).send();
  await turn();
  assert.deepEqual(
    ear.heard,
    feeds.map((feed) => `${feed}:`),
  );
});

test('after closing nothing runs', () => {
  const { open, listen, setRules, streams, combining, clock, switchboard } = setUp();
  listen('stream/x');
  setRules({ stream: 'stream/x', feeds: ['v'] });
  open('v').send();
  streams.close();
  streams.close();
  assert.deepEqual([combining.combiners[0]?.isClosed, clock.pending, switchboard.events.size], [true, 0, 0]);
});
