import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RelayMessage, StateItem } from '@perch/protocol';
import { FakeClock } from '@perch/testkit';
import type { AgentLine } from './agent-line.ts';
import { DeviceLink } from './device-link.ts';
import { endEvents, stateEvents } from './state-events.ts';

/** A device whose agent says what the test says. */
function setUp() {
  const clock = new FakeClock();
  const link = new DeviceLink({ device: 'kitchen-x7k2', clock });
  const told: RelayMessage[] = [];
  const ended: number[] = [];
  const line = {
    send: (message: RelayMessage) => void told.push(message),
    countUnasked: () => undefined,
    end: (code: number) => void ended.push(code),
    isFull: false,
  } as unknown as AgentLine;
  const say = (set: readonly StateItem[]) => link.take(line, { type: 'state', changes: { feeds: { set } } });
  const watches = () => told.flatMap((message) => (message.type === 'watch' ? [message.someone] : []));
  return { clock, link, line, say, watches, ended };
}

/** What a reader has got, event by event. */
const read = (events: ReturnType<typeof stateEvents>): string[] =>
  String(events.read() ?? '')
    .split('\n\n')
    .filter((event) => event !== '');

test('who looks gets the state now, then each change, whole; and the device is told that somebody looks', async () => {
  const { clock, link, line, say, watches } = setUp();
  const events = stateEvents(link, 'all', clock);
  assert.deepEqual(read(events), ['event: state\ndata: {"online":false,"at":null,"state":null}']);
  link.connect(line, 'boot');
  assert.deepEqual(read(events), ['event: state\ndata: {"online":true,"at":null,"state":null}']);
  say([{ feed: 'a' }]);
  say([{ feed: 'b' }]);
  const [first, second] = read(events).map((event) => JSON.parse(event.slice('event: state\ndata: '.length)));
  assert.deepEqual(first.state.feeds, [{ feed: 'a' }]);
  assert.deepEqual(second.state.feeds, [{ feed: 'a' }, { feed: 'b' }]);
  assert.equal(second.at, '2026-01-01T00:00:00.000Z');
  const another = stateEvents(link, 'all', clock);
  assert.deepEqual(watches(), [true], 'once, however many look');
  another.destroy();
  events.destroy();
  await new Promise((resolve) => events.once('close', resolve));
  assert.deepEqual(watches(), [true, false]);
});

test('a new connection begins from nothing: what is no more there is not shown', () => {
  const { link, line, say } = setUp();
  link.connect(line, 'boot');
  say([{ feed: 'a' }]);
  link.disconnect(line);
  assert.deepEqual(link.sight.state?.feeds, [{ feed: 'a' }], 'how it was last');
  link.connect(line, 'boot');
  say([{ feed: 'b' }]);
  assert.deepEqual(link.sight.state?.feeds, [{ feed: 'b' }]);
});

test('a device that says more and more is not kept without end', () => {
  const { link, line, say, ended } = setUp();
  link.connect(line, 'boot');
  for (let i = 0; ended.length === 0; i++) say([{ feed: `${i}`, text: 'x'.repeat(100_000) }]);
  assert.deepEqual(ended, [1009]);
  assert.equal(link.sight.state?.feeds.length, 10);
});

test('who reads slowly is told less often, and at the end what is newest', async () => {
  const { clock, link, line, say } = setUp();
  link.connect(line, 'boot');
  const events = stateEvents(link, 'all', clock);
  for (let i = 0; i < 1_000; i++) say([{ feed: 'a', i, text: 'x'.repeat(1_000) }]);
  assert.ok(events.readableLength + events.writableLength < 200_000, 'what waits is bounded');
  let text = '';
  events.on('data', (part) => {
    text += part;
  });
  while (!text.includes('"i":999,')) await new Promise((resolve) => setImmediate(resolve));
  assert.ok(text.split('\n\n').length < 200);
  events.destroy();
});

test('a quiet stream says something every fifteen seconds, and nothing is left when it has ended', async () => {
  const { clock, link } = setUp();
  const events = stateEvents(link, 'all', clock);
  read(events);
  clock.advance(30_000);
  assert.deepEqual(read(events), [':', ':']);
  endEvents(events);
  events.resume();
  await new Promise((resolve) => events.once('close', resolve));
  assert.equal(clock.pending, 0);
  assert.equal(link.isIdle, true);
});

test('a guest sees what is there, and not where it is sent or what the device runs', () => {
  const { clock, link, line } = setUp();
  link.connect(line, 'boot');
  const changes = {
    feeds: { set: [{ feed: 'camera' }] },
    destinations: { set: [{ id: '0', destination: 'wss://elsewhere.example/in/front' }] },
    sources: { set: [{ source: 'demo' }] },
  };
  link.take(line, { type: 'state', changes });
  for (const [insight, count] of [
    ['all', 1],
    ['guest', 0],
    ['all', 1],
  ] as const) {
    const events = stateEvents(link, insight, clock);
    const [event = ''] = read(events);
    const { state } = JSON.parse(event.slice('event: state\ndata: '.length));
    assert.deepEqual(state.feeds, [{ feed: 'camera' }]);
    assert.deepEqual([state.destinations.length, state.sources.length], [count, count], insight);
    events.destroy();
  }
});
