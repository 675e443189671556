import assert from 'node:assert/strict';
import { test } from 'node:test';
import { showBitrate, showDelay } from './rate.ts';

test('bit rates are short', () => {
  assert.equal(showBitrate(1_234_000), '1.2 Mbit/s');
  assert.equal(showBitrate(64_300), '64 kbit/s');
  assert.equal(showBitrate(999_700), '1.0 Mbit/s');
});

test('delays of a second and more are in seconds', () => {
  assert.equal(showDelay(39.6), '40 ms');
  assert.equal(showDelay(1_540), '1.5 s');
});
