import assert from 'node:assert/strict';
import { test } from 'node:test';
import { millis } from '@perch/runtime';
import { FakeClock } from '@perch/testkit';
import { whenItIs } from './when-it-is.ts';

const DAY = 86_400_000;

test('it fires at its time, though that is further away than a timer holds', () => {
  const clock = new FakeClock();
  let fired = 0;
  whenItIs(clock, millis(clock.wall() + 100 * DAY), () => fired++);
  clock.advance(100 * DAY - 1);
  assert.equal(fired, 0);
  clock.advance(1);
  assert.equal(fired, 1);
  assert.equal(clock.pending, 0);
});

test('a time that has passed is now', () => {
  const clock = new FakeClock();
  let fired = 0;
  whenItIs(clock, millis(0), () => fired++);
  clock.advance(0);
  assert.equal(fired, 1);
});

test('cancelled it does not fire, in its second wait neither', () => {
  const clock = new FakeClock();
  const timer = whenItIs(clock, millis(clock.wall() + 100 * DAY), () => assert.fail());
  clock.advance(50 * DAY);
  timer.cancel();
  clock.advance(100 * DAY);
  assert.equal(clock.pending, 0);
});
