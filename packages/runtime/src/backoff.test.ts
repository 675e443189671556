import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Backoff } from './backoff.ts';

test('pauses double up to the cap and begin again after a reset', () => {
  const backoff = new Backoff({ random: () => 0.5 });
  assert.deepEqual(
    Array.from({ length: 6 }, () => backoff.next()),
    [1000, 2000, 4000, 8000, 10_000, 10_000],
  );
  backoff.reset();
  assert.equal(backoff.next(), 1000);
});

test('jitter stays within a quarter', () => {
  assert.equal(new Backoff({ random: () => 0 }).next(), 750);
  assert.ok(new Backoff({ random: () => 0.999_999 }).next() <= 1250);
});
