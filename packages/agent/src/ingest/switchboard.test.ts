import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Batch, HubMessage, Taker } from '@perch/hub';
import { FakeClock } from '@perch/testkit';
import { Switchboard } from './switchboard.ts';

class Ear implements Taker {
  readonly heard: string[] = [];
  take(batch: Batch): void {
    for (const { bytes, from } of batch.messages)
      if (from !== this) this.heard.push(Buffer.from(bytes).toString());
  }
}

const message = (text: string): HubMessage => ({
  bytes: Buffer.from(text),
  text: true,
  mark: { randomAccess: true, class: 'data' },
});
const turn = () => new Promise((resolve) => setImmediate(resolve));

test('the sink hears what comes in on feeds, from whom, and when a publisher ends', () => {
  const switchboard = new Switchboard(new FakeClock());
  const heard: unknown[] = [];
  const leave = switchboard.feed({
    message: (feed, input, { bytes }, from) => heard.push([feed, input, Buffer.from(bytes).toString(), from]),
    ended: (feed, input) => heard.push([feed, input]),
  });
  const [one, far] = [switchboard.open('v'), switchboard.open('v', { isFar: true })];
  one.publish(message('v1'), 'me');
  one.close();
  far.publish(message('v2'), 'you');
  leave[Symbol.dispose]();
  far.publish(message('v3'), 'you');
  assert.deepEqual(heard, [
    ['v', one, 'v1', 'me'],
    ['v', one],
    ['v', far, 'v2', 'you'],
  ]);
  assert.deepEqual([one.isFar, far.isFar], [false, true]);
});

test('it is told when somebody joins a topic or leaves it', () => {
  const switchboard = new Switchboard(new FakeClock());
  const counts: [string, number][] = [];
  switchboard.events.on('takers', (topic) => counts.push([topic, switchboard.takers(topic)]));
  const leave = switchboard.join('stream/x', new Ear());
  leave[Symbol.dispose]();
  assert.deepEqual(counts, [
    ['stream/x', 1],
    ['stream/x', 0],
  ]);
});

test('a feed is known while somebody publishes on it, and forgotten after', () => {
  const switchboard = new Switchboard(new FakeClock());
  const [one, other] = [switchboard.open('v'), switchboard.open('v')];
  one.publish(message('123'), one);
  const [feed] = [...switchboard.feeds];
  assert.deepEqual([feed?.name, feed?.publishers, feed?.meter.bytes], ['v', 2, 3]);
  one.close();
  one.close();
  assert.equal([...switchboard.feeds].length, 1);
  other.close();
  assert.equal([...switchboard.feeds].length, 0);
});

test('what is published on a closed input, or up a stream, goes nowhere', async () => {
  const switchboard = new Switchboard(new FakeClock());
  const [ear, streamEar] = [new Ear(), new Ear()];
  using _a = switchboard.join('v', ear);
  using _b = switchboard.join('stream/x', streamEar);
  const input = switchboard.open('v');
  input.close();
  input.publish(message('late'), input);
  const up = switchboard.open('stream/x');
  up.publish(message('up'), up);
  await turn();
  assert.deepEqual([ear.heard, streamEar.heard], [[], []]);
});
