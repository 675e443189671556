import assert from 'node:assert/strict';
import { test } from 'node:test';
import { millis } from '@perch/runtime';
import { mediaMs } from './media-time.ts';
import { SoundClock } from './sound-clock.ts';

test('between reports time goes on', () => {
  const clock = new SoundClock();
  clock.report(millis(1_000), mediaMs(500), 1);
  assert.equal(clock.at(millis(1_020)), 520);
});

test('the least delayed report counts', () => {
  const clock = new SoundClock();
  for (let i = 0; i < 200; i++) {
    const delay = i % 5 === 0 ? 0 : 6; // most reports come 6 ms late
    clock.report(millis(i * 10 + delay), mediaMs(i * 10), 1);
  }
  const error = (clock.at(millis(2_000)) as number) - 2_000;
  assert.ok(Math.abs(error) < 2, `${error} ms`);
});

test('drift is followed', () => {
  const clock = new SoundClock();
  for (let t = 0; t < 60_000; t += 10) clock.report(millis(t), mediaMs(t * 0.9995), 1);
  const error = (clock.at(millis(60_000)) as number) - 60_000 * 0.9995;
  assert.ok(Math.abs(error) < 2, `${error} ms`);
});

test('a jump is believed at once', () => {
  const clock = new SoundClock();
  clock.report(millis(0), mediaMs(0), 1);
  clock.report(millis(10), mediaMs(90_000), 1);
  assert.equal(clock.at(millis(10)), 90_000);
  clock.report(millis(20), mediaMs(5_000), 1);
  assert.equal(clock.at(millis(20)), 5_000);
});

test('no sound, no time', () => {
  const clock = new SoundClock();
  assert.equal(clock.at(millis(0)), undefined);
  clock.report(millis(0), mediaMs(10), 1);
  assert.equal(clock.at(millis(500)), undefined, 'a worklet that has stopped says nothing about now');
  clock.report(millis(510), undefined, 1);
  assert.equal(clock.at(millis(510)), undefined);
});
