import assert from 'node:assert/strict';
import { test } from 'node:test';
import { millis } from '@perch/runtime';
import { Chooser, type Pressure } from './chooser.ts';

const clean: Pressure = { delayMs: 20, droppedMessages: 0 };

/** A chooser that is shown the way out twice a second. */
class Watch {
  readonly chooser: Chooser;
  now = 0;

  constructor(count: number) {
    this.chooser = new Chooser(count);
  }

  /** Looks every 500 ms for `ms`; `at` says how the way stands so many ms after the begin. */
  look(ms: number, at: (ms: number) => Pressure | undefined): number {
    for (let passed = 500; passed <= ms; passed += 500) {
      this.now += 500;
      this.chooser.look(at(passed), millis(this.now));
    }
    return this.chooser.chosen;
  }

  /** How long the way must be clean until it changes, in ms. */
  untilChange(limitMs: number): number {
    const [before, from] = [this.chooser.chosen, this.now];
    while (this.chooser.chosen === before && this.now - from < limitMs) this.look(500, () => clean);
    return this.now - from;
  }
}

const growing = (from: number) => (ms: number) => ({ delayMs: from + ms, droppedMessages: 0 });

test('the best is on at first, and stays on while the way is clean', () => {
  assert.equal(
    new Watch(3).look(60_000, () => clean),
    0,
  );
});

test('a delay that grows over 0.8 s, or something left out, goes one down', () => {
  assert.equal(new Watch(2).look(1_000, growing(0)), 1);
  const watch = new Watch(2);
  watch.look(500, () => clean);
  assert.equal(
    watch.look(500, () => ({ delayMs: 100, droppedMessages: 1 })),
    1,
  );
});

test('a delay that is long but shrinks changes nothing', () => {
  const watch = new Watch(2);
  watch.look(500, () => ({ delayMs: 700, droppedMessages: 0 }));
  assert.equal(
    watch.look(3_000, (ms) => ({ delayMs: 700 - ms / 10, droppedMessages: 0 })),
    0,
  );
});

test('a change may settle before the next, and below the last there is nothing', () => {
  const watch = new Watch(3);
  assert.equal(watch.look(1_000, growing(0)), 1);
  assert.equal(watch.look(2_500, growing(1_000)), 1);
  assert.equal(watch.look(500, growing(3_500)), 2);
  assert.equal(watch.look(20_000, growing(4_000)), 2);
});

test('what was left out before it looked does not count, nor does a counter that begins anew', () => {
  const watch = new Watch(2);
  assert.equal(
    watch.look(1_000, () => ({ delayMs: 0, droppedMessages: 1_000 })),
    0,
  );
  assert.equal(
    watch.look(1_000, () => ({ delayMs: 0, droppedMessages: 3 })),
    0,
  );
});

test('after ten clean seconds it goes up again, and a delay in between begins them anew', () => {
  const watch = new Watch(2);
  watch.look(1_000, growing(0));
  watch.look(9_000, () => clean);
  watch.look(500, () => ({ delayMs: 400, droppedMessages: 0 }));
  assert.equal(watch.chooser.chosen, 1);
  assert.equal(watch.untilChange(60_000), 10_500);
  assert.equal(watch.chooser.chosen, 0);
});

test('each try that fails doubles the wait, up to a limit; one that holds for 30 s forgets it', () => {
  const watch = new Watch(2);
  watch.look(1_000, growing(0));
  const waits: number[] = [];
  for (let i = 0; i < 7; i++) {
    waits.push(Math.floor(watch.untilChange(1_000_000) / 1_000));
    watch.look(4_000, growing(0));
    assert.equal(watch.chooser.chosen, 1);
  }
  assert.deepEqual(waits, [10, 20, 40, 80, 160, 320, 320]);
  watch.untilChange(1_000_000);
  watch.look(31_000, () => clean);
  watch.look(4_000, growing(0));
  assert.equal(Math.floor(watch.untilChange(1_000_000) / 1_000), 10);
});

test('while nobody is sent to nothing changes, and the clean time begins anew', () => {
  const watch = new Watch(2);
  watch.look(1_000, growing(0));
  watch.look(9_000, () => clean);
  assert.equal(
    watch.look(60_000, () => undefined),
    1,
  );
  assert.equal(watch.untilChange(60_000), 10_500);
});

test('a single alternative is always on', () => {
  assert.equal(new Watch(1).look(10_000, growing(0)), 0);
});
