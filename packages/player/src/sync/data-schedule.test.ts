import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '@perch/testkit';
import { DataSchedule, type TimedUnit } from './data-schedule.ts';
import { type MediaMs, mediaMs } from './media-time.ts';

function setUp() {
  const clock = new FakeClock();
  const told: number[] = [];
  const media: { now: MediaMs | undefined } = { now: mediaMs(0) };
  const schedule = new DataSchedule<TimedUnit>({
    clock,
    mediaNow: () => media.now,
    tell: ({ pts }) => told.push(pts),
  });
  const push = (pts: number, size = 10) => schedule.push({ pts: mediaMs(pts), bytes: new Uint8Array(size) });
  return { clock, told, media, schedule, push };
}

test('a unit is told when the picture of its time is shown, in the order of times', () => {
  const { told, media, schedule, push } = setUp();
  push(120);
  push(80);
  media.now = mediaMs(79);
  schedule.run();
  assert.deepEqual(told, []);
  media.now = mediaMs(80);
  schedule.run();
  assert.deepEqual(told, [80]);
  media.now = mediaMs(200);
  schedule.run();
  assert.deepEqual(told, [80, 120]);
});

test('one whose time has passed is told as it comes, and so are all where nothing plays', () => {
  const { told, media, push } = setUp();
  media.now = mediaMs(1_000);
  push(900);
  assert.deepEqual(told, [900]);
  media.now = undefined;
  push(5_000);
  assert.deepEqual(told, [900, 5_000]);
});

test('without pictures the time is looked at now and then, and never held for more than 2 s', () => {
  const { clock, told, media, push } = setUp();
  push(30);
  push(60_000);
  media.now = mediaMs(40);
  clock.advance(20);
  assert.deepEqual(told, [30]);
  clock.advance(2_000);
  assert.deepEqual(told, [30, 60_000]);
  assert.equal(clock.pending, 0);
});

test('it holds no more than 256 units and 1 MiB', () => {
  const { told, push, schedule, clock } = setUp();
  for (let i = 1; i <= 300; i++) push(i);
  assert.equal(told.length, 300 - 256);
  for (let i = 301; i <= 340; i++) push(i, 60_000);
  assert.ok(told.length >= 300 + 20);
  schedule.clear();
  assert.equal(clock.pending, 0);
});
