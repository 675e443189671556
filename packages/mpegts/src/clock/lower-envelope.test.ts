import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '../testing/random.ts';
import { ticks90k } from '../time.ts';
import { LowerEnvelope } from './lower-envelope.ts';

const seconds = (count: number) => ticks90k(count * 90_000);

describe('the lower envelope', () => {
  it('is the smallest value of ten seconds, and forgets older ones', () => {
    const envelope = new LowerEnvelope();
    assert.equal(envelope.lowest(seconds(0)), Number.POSITIVE_INFINITY);
    envelope.add(seconds(0), 5);
    envelope.add(seconds(1), 9);
    envelope.add(seconds(1), 8);
    envelope.add(seconds(2), 12);
    assert.equal(envelope.lowest(seconds(2)), 5);
    assert.equal(envelope.lowest(seconds(9)), 5);
    assert.equal(envelope.lowest(seconds(10)), 8);
    assert.equal(envelope.lowest(seconds(11)), 12);
    assert.equal(envelope.lowest(seconds(30)), Number.POSITIVE_INFINITY);
  });

  it('finds the slope of a clock through jitter, and counts old values as what they would be now', () => {
    const envelope = new LowerEnvelope();
    const random = new Random(1);
    const slope = 150e-6;
    for (let i = 0; i < 40 * 300; i++) {
      const now = i * 2250;
      envelope.add(ticks90k(now), now * slope + random.next() ** 2 * 900);
    }
    assert.ok(Math.abs(envelope.drift - slope) < 10e-6, `${envelope.drift * 1e6} ppm`);
    const now = 40 * 300 * 2250;
    assert.ok(Math.abs(envelope.lowest(ticks90k(now)) - now * slope) < 45, 'half a millisecond');
  });

  it('takes no slope for a clock that no clock can have', () => {
    const envelope = new LowerEnvelope();
    for (let i = 0; i < 1000; i++) envelope.add(seconds(i), i * 9000);
    assert.ok(envelope.drift <= 1e-3);
    envelope.restart();
    assert.equal(envelope.drift, 0);
  });
});
