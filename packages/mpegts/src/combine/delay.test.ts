import assert from 'node:assert/strict';
import { it } from 'node:test';
import { testStream } from '../testing/streams.ts';
import type { TimedUnit } from './feed-track.ts';
import { TimedFeed } from './timed-feed.ts';

it('the delay of a feed moves its units at once when it is changed, and its clock stays as it is', () => {
  const feed = new TimedFeed({ name: 'v', delayMs: 20 });
  const units: TimedUnit[] = [];
  feed.attach({
    onTracks: () => undefined,
    onUnit: (unit) => units.push(unit),
    onPacket: () => undefined,
    onInterrupt: () => undefined,
    onPushed: () => undefined,
  });
  // Pictures of 40 ms, each with its tables, so that each can be pushed in time.
  const start = 126_000;
  for (let i = 0; i < 100; i++) {
    if (i === 50) feed.delayMs = 5;
    feed.push(testStream({ video: 'h264', pictures: 1, start: start + i * 3_600 }), 1000 + i * 40);
  }
  assert.equal(feed.delayMs, 5);
  assert.equal(feed.state.restarts, 0);
  const steps = units.map(({ dts }, i) => Math.round((dts - (units[i - 1]?.dts ?? dts - 3_600)) / 90));
  assert.equal(steps[50], 55, '40 ms and 15 ms');
  // In its first half second a clock is still being found.
  assert.ok(steps.every((step, i) => i < 15 || i === 50 || Math.abs(step - 40) <= 1));
});
