import assert from 'node:assert/strict';
import { test } from 'node:test';
import { millis } from '@perch/runtime';
import { Meter } from './meter.ts';

test('the rate is that of the last five whole seconds', () => {
  const meter = new Meter();
  for (let ms = 0; ms < 20_000; ms += 10) meter.add(ms < 10_000 ? 1_000 : 125, millis(ms));
  assert.equal(meter.bitRate(millis(20_000)), 100_000);
  assert.deepEqual([meter.messages, meter.bytes], [2_000, 1_125_000]);
});

test('in the first second the rate is what came so far', () => {
  const meter = new Meter();
  meter.add(1_000, millis(5_100));
  assert.equal(meter.bitRate(millis(5_200)), 8_000);
});

test('after a silence the rate is nothing, however long it was', () => {
  const meter = new Meter();
  meter.add(1_000_000, millis(1_000));
  assert.equal(meter.bitRate(millis(8_000)), 0);
  assert.equal(meter.bitRate(millis(1e12)), 0);
  meter.add(500, millis(1e12));
  assert.equal(meter.bytes, 1_000_500);
});

test('before anything came the rate is nothing', () => {
  assert.equal(new Meter().bitRate(millis(1_000)), 0);
});
