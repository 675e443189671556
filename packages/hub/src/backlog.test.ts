import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Millis, millis } from '@perch/runtime';
import { Confirmations } from './backlog.ts';

const at = millis;
/** Probes get the tokens 1, 2, 3 …, and `ask` returns them. */
class Asking extends Confirmations {
  #token = 0;
  ask(now: Millis): number {
    this.probe(++this.#token, now);
    return this.#token;
  }
}
const make = () => new Asking({ period: at(1000), periodLate: at(200), everyBytes: 500 });

describe('confirmations', () => {
  it('counts what is written and not confirmed', () => {
    const c = make();
    c.wrote(100);
    const probe = c.ask(at(0));
    c.wrote(50);
    assert.equal(c.bytes, 150);
    assert.deepEqual([c.confirmed, c.openBytes], [0, 100]);
    assert.equal(c.answer(probe, at(10))?.at, at(0));
    assert.equal(c.bytes, 50);
    assert.deepEqual([c.confirmed, c.openBytes], [100, 0]);
  });

  it('wants a probe with the first write, and then once a period', () => {
    const c = make();
    c.wrote(10);
    assert.equal(c.isDue(at(0)), true);
    c.answer(c.ask(at(0)), at(5));
    c.wrote(10);
    assert.equal(c.isDue(at(999)), false);
    assert.equal(c.isDue(at(1000)), true);
  });

  it('wants one more often while an answer is late', () => {
    const c = make();
    c.wrote(10);
    c.ask(at(0));
    assert.equal(c.isDue(at(199)), false);
    assert.equal(c.isDue(at(200)), true);
    c.ask(at(200));
    assert.equal(c.isDue(at(399)), false);
    assert.equal(c.isDue(at(400)), true);
  });

  it('wants one after so many bytes, so that a fast connection is confirmed in time', () => {
    const c = make();
    c.wrote(10);
    c.answer(c.ask(at(0)), at(1));
    c.wrote(499);
    assert.equal(c.isDue(at(2)), false);
    c.wrote(1);
    assert.equal(c.isDue(at(2)), true);
  });

  it('says how far one may go without a probe', () => {
    const c = make();
    c.wrote(10);
    c.ask(at(0));
    c.wrote(100);
    assert.deepEqual(c.leeway(), { bytes: 400, until: 200 });
    c.answer(1, at(5));
    assert.deepEqual(c.leeway(), { bytes: 400, until: 1000 });
  });

  it('takes the newest answer for all before it, and no old one after it', () => {
    const c = make();
    c.wrote(100);
    const first = c.ask(at(0));
    c.wrote(100);
    const second = c.ask(at(200));
    assert.ok(c.answer(second, at(300)));
    assert.equal(c.bytes, 0);
    assert.equal(c.age(at(9000)), 0);
    assert.equal(c.answer(first, at(301)), undefined);
    assert.equal(c.bytes, 0);
  });

  it('is not deceived by an answer that nobody asked for', () => {
    const c = make();
    c.wrote(100);
    const token = c.ask(at(0));
    c.wrote(900);
    assert.equal(c.answer(token + 1, at(1)), undefined);
    assert.equal(c.answer(Number.NaN, at(1)), undefined);
    assert.equal(c.bytes, 1000);
  });

  it('tells for how long an answer has been owed', () => {
    const c = make();
    c.wrote(100);
    assert.equal(c.age(at(50)), 0);
    const probe = c.ask(at(100));
    c.wrote(100);
    c.ask(at(400));
    assert.equal(c.age(at(600)), 500);
    c.answer(probe, at(600));
    assert.equal(c.age(at(600)), 200);
  });

  it('keeps the start group outside the budget, in bytes and in time', () => {
    const c = make();
    c.wroteStart(5000);
    const group = c.ask(at(0));
    c.wrote(70);
    c.ask(at(200));
    assert.equal(c.bytes, 70);
    assert.equal(c.allBytes, 5070);
    assert.equal(c.age(at(8000)), 0, 'a long group may take its time');
    c.answer(group, at(8000));
    assert.equal(c.bytes, 70);
    assert.equal(c.age(at(8300)), 300, 'what came after it counts from when it was there');
  });

  it('never has more than 64 questions open', () => {
    const c = make();
    let probes = 0;
    for (let i = 0; i < 1000; i++) {
      c.wrote(500);
      if (!c.isDue(at(i))) continue;
      c.ask(at(i));
      probes++;
    }
    assert.equal(probes, 64);
  });
});
