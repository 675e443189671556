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
const rule = (stream: string, feeds: string[] | null) => new Map([[stream, { stream, feeds }]]);

test('a stream carries what its feeds carry, from the moment of its rule, for those who were there before', async () => {
  const switchboard = new Switchboard(new FakeClock());
  const ear = new Ear();
  using _ = switchboard.join('stream/x', ear);
  const [video, audio] = [switchboard.open('v'), switchboard.open('a')];
  video.publish(message('v1'), video);
  switchboard.setStreams(rule('stream/x', ['v', 'a', 'v']));
  video.publish(message('v2'), video);
  audio.publish(message('a2'), audio);
  switchboard.setStreams(rule('stream/x', ['v']));
  audio.publish(message('a3'), audio);
  video.publish(message('v3'), video);
  switchboard.setStreams(rule('stream/x', null));
  video.publish(message('v4'), video);
  await turn();
  assert.deepEqual(ear.heard, ['v2', 'a2', 'v3']);
});

test('only names that begin with stream/ are put together', async () => {
  const switchboard = new Switchboard(new FakeClock());
  const ear = new Ear();
  using _ = switchboard.join('front', ear);
  switchboard.setStreams(rule('front', ['v']));
  const video = switchboard.open('v');
  video.publish(message('v'), video);
  await turn();
  assert.deepEqual(ear.heard, []);
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
