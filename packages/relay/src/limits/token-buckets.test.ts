import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { millis } from '@perch/runtime';
import { FakeClock } from '@perch/testkit';
import { TokenBuckets } from './token-buckets.ts';

function buckets(options: { burst?: number; periodMs?: number; mostKeys?: number } = {}) {
  const clock = new FakeClock();
  const { burst = 3, periodMs = 1_000, mostKeys = 100 } = options;
  return { clock, buckets: new TokenBuckets({ burst, period: millis(periodMs), clock, mostKeys }) };
}

describe('a token bucket', () => {
  it('gives a burst, then one each period, and says how long to wait', () => {
    const { clock, buckets: all } = buckets();
    assert.deepEqual([all.take('a'), all.take('a'), all.take('a')], [0, 0, 0]);
    assert.equal(all.take('a'), 1_000);
    clock.advance(400);
    assert.equal(all.take('a'), 600, 'an attempt too many costs nothing');
    clock.advance(600);
    assert.equal(all.take('a'), 0);
    assert.equal(all.take('a'), 1_000);
    clock.advance(1_000_000);
    assert.deepEqual(
      [all.take('a'), all.take('a'), all.take('a'), all.take('a')],
      [0, 0, 0, 1_000],
      'never more',
    );
  });

  it('is exact, whatever fraction of a millisecond the clock shows', () => {
    const { clock, buckets: all } = buckets({ burst: 1, periodMs: 10_000 });
    for (let i = 0; i < 1_000; i++) {
      clock.advance(10_000 + i / 7);
      assert.equal(all.take('a'), 0);
    }
  });

  it('is of one key alone', () => {
    const { buckets: all } = buckets({ burst: 1 });
    assert.equal(all.take('a'), 0);
    assert.equal(all.take('b'), 0);
    assert.notEqual(all.take('a'), 0);
  });

  it('is forgotten when it is full', () => {
    const { clock, buckets: all } = buckets();
    all.take('a');
    clock.advance(500);
    all.take('b');
    assert.equal(all.size, 2);
    clock.advance(500);
    all.take('b');
    assert.equal(all.size, 1);
    clock.advance(10_000);
    all.take('c');
    assert.equal(all.size, 1);
  });

  it('is shared by those who come when there are very many, and nobody loses his own', () => {
    const { clock, buckets: all } = buckets({ burst: 2, mostKeys: 50 });
    all.take('me');
    let refused = 0;
    for (let i = 0; i < 100_000; i++) if (all.take(`address ${i}`) > 0) refused++;
    assert.equal(refused, 100_000 - 49 - 2, '49 with buckets of their own, two from the shared one');
    assert.equal(all.size, 51);
    assert.equal(all.take('me'), 0);
    assert.notEqual(all.take('me'), 0, 'it was remembered');
    clock.advance(2_000);
    assert.equal(all.take('address 99999'), 0);
    assert.equal(all.size, 1);
  });
});
