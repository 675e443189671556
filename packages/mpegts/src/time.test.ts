import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TICKS_WRAP, ticks90k, Unwrapper, wrap } from './time.ts';

describe('Unwrapper', () => {
  it('goes on over the wrap, forwards and backwards', () => {
    const unwrapper = new Unwrapper();
    assert.equal(unwrapper.follow(TICKS_WRAP - 100), TICKS_WRAP - 100);
    assert.equal(unwrapper.follow(50), TICKS_WRAP + 50);
    assert.equal(unwrapper.near(TICKS_WRAP - 1), TICKS_WRAP - 1);
    assert.equal(unwrapper.follow(TICKS_WRAP - 10), TICKS_WRAP - 10);
  });

  it('gives times before the first one negative numbers rather than another turn', () => {
    const unwrapper = new Unwrapper();
    unwrapper.follow(50);
    assert.equal(unwrapper.near(TICKS_WRAP - 100), -100);
  });

  it('puts the first time stamp near to the clock that was there before it, over the wrap too', () => {
    const unwrapper = new Unwrapper();
    assert.equal(unwrapper.tick(90_000), 90_000);
    assert.equal(unwrapper.last, 90_000);
    assert.equal(unwrapper.follow(TICKS_WRAP - 5), -5);
    assert.equal(unwrapper.tick(5), 5);
    assert.equal(unwrapper.last, -5, 'a time stamp counts more than the clock');
  });

  it('takes a clock that begins shortly before the wrap as before zero', () => {
    const unwrapper = new Unwrapper();
    assert.equal(unwrapper.tick(TICKS_WRAP - 63_000), -63_000);
    assert.equal(unwrapper.follow(0), 0);
    const other = new Unwrapper();
    assert.equal(other.tick(TICKS_WRAP - 90_000 * 61), TICKS_WRAP - 90_000 * 61);
  });

  it('stays exact after many turns', () => {
    const unwrapper = new Unwrapper();
    const step = TICKS_WRAP / 4;
    let ticks = 0;
    for (let i = 0; i < 1000; i++, ticks += step) assert.equal(unwrapper.follow(ticks % TICKS_WRAP), ticks);
  });

  it('is undone by wrap', () => {
    for (const ticks of [0, 1, -1, TICKS_WRAP, TICKS_WRAP + 5, -TICKS_WRAP - 7]) {
      const wrapped = wrap(ticks90k(ticks));
      assert.ok(wrapped >= 0 && wrapped < TICKS_WRAP);
      assert.equal((((wrapped - ticks) % TICKS_WRAP) + TICKS_WRAP) % TICKS_WRAP, 0);
    }
  });
});
