import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { limits } from '@perch/protocol';
import { millis } from '@perch/runtime';
import { FakeClock } from '@perch/testkit';
import type { Refusals, Refused } from '../audit/refusals.ts';
import { type Entrance, Limiter, retryAfter } from './limiter.ts';
import { OpenCount } from './open-count.ts';

function open() {
  const clock = new FakeClock();
  const noted: Refused[] = [];
  const refusals = { note: (refused: Refused) => void noted.push(refused) } as unknown as Refusals;
  return { clock, noted, limiter: new Limiter({ limits, refusals, clock }) };
}

/** How many of so many attempts are let in. */
const admitted = (attempts: number, attempt: () => number) =>
  Array.from({ length: attempts }, attempt).filter((wait) => wait === 0).length;

describe('a limit', () => {
  const bursts: readonly (readonly [Entrance, number, number])[] = [
    ['sign-in', limits.signInBurst, limits.signInPeriod],
    ['code', limits.codeBurst, limits.codePeriod],
    ['enrolment', limits.enrolmentBurst, limits.enrolmentPeriod],
    ['invite', limits.inviteBurst, limits.invitePeriod],
    ['connection', limits.connectBurst, limits.connectPeriod],
    ['stranger', limits.strangerBurst, limits.strangerPeriod],
  ];
  for (const [entrance, burst, period] of bursts) {
    it(`of ${entrance}: ${burst} at once, then one each ${period} ms, for each address`, () => {
      const { clock, noted, limiter } = open();
      const attempt = () => limiter.take(entrance, '203.0.113.9');
      assert.equal(admitted(burst + 50, attempt), burst);
      assert.equal(limiter.take(entrance, '203.0.113.10'), 0, 'others are not held up');
      assert.equal(noted.length, 50);
      assert.equal(noted[0]?.from, '203.0.113.9');
      assert.match(noted[0]?.detail ?? '', /^too many .* from this address$/);
      clock.advance(10 * period);
      assert.equal(admitted(50, attempt), 10);
    });
  }

  it('is shared by the addresses of one /64', () => {
    const { limiter } = open();
    let i = 0;
    const attempt = () => limiter.take('enrolment', `2001:db8:1:2:${(i++).toString(16)}::1`);
    assert.equal(admitted(1_000, attempt), limits.enrolmentBurst);
  });

  it('of connections is not for this machine; of sign-ins it is', () => {
    const { limiter } = open();
    assert.equal(
      admitted(10_000, () => limiter.take('connection', '127.0.0.1')),
      10_000,
    );
    assert.equal(
      admitted(1_000, () => limiter.take('sign-in', '127.0.0.1')),
      limits.signInBurst,
    );
  });

  it('of an account holds against many addresses together', () => {
    const { noted, limiter } = open();
    let i = 0;
    const attempt = () => limiter.takeAccount('home/ada', `203.0.113.${i++ % 256}`);
    assert.equal(admitted(1_000, attempt), limits.accountSignInBurst);
    assert.equal(limiter.takeAccount('home/eve', '203.0.113.1'), 0);
    assert.equal(noted[0]?.detail, 'too many passwords for one account');
  });

  it('tells the wait in whole seconds, never none', () => {
    assert.deepEqual(
      [1, 1_000, 1_001].map((wait) => retryAfter(millis(wait))),
      ['1', '1', '2'],
    );
  });
});

describe('open connections', () => {
  it('are counted by address, until they close', () => {
    const count = new OpenCount({ most: 2 });
    const first = count.enter('2001:db8::1');
    const second = count.enter('2001:db8::2');
    assert.ok(first && second);
    assert.equal(count.enter('2001:db8::3'), undefined);
    assert.ok(count.enter('2001:db9::3'));
    first();
    first();
    assert.ok(count.enter('2001:db8::3'), 'one place is free');
    assert.equal(count.enter('2001:db8::3'), undefined, 'and only one');
    assert.equal(count.size, 2);
  });
});
