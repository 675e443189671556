import assert from 'node:assert/strict';
import { test } from 'node:test';
import { millis } from '@perch/runtime';
import { FlowWindow } from './flow-window.ts';

/** A line that carries `rate` bytes a ms after `way` ms, and a sender that always has something to send. */
function run(
  window: FlowWindow,
  line: { rate: number; way: number; from: number; until: number; total: number },
) {
  const { rate, way, until } = line;
  let { from: now, total } = line;
  let worst = 0;
  while (now < until) {
    // One window leaves, its probe behind it.
    const asked = now;
    const bytes = window.bytes;
    total += bytes;
    now += Math.max(1, way + bytes / rate);
    worst = Math.max(worst, now - asked);
    window.confirmed({ at: millis(asked), total }, millis(now), true);
  }
  return { now, total, worst };
}

test('on a fast line it opens, until it is in nobody’s way', () => {
  const window = new FlowWindow();
  run(window, { rate: 12_500, way: 20, from: 0, until: 2_000, total: 0 });
  assert.ok(window.bytes > 1_000_000, `${window.bytes}`);
});

test('on a line that gets slow it closes to what the line delivers in a moment, and opens again', () => {
  const window = new FlowWindow();
  const fast = run(window, { rate: 1_250, way: 20, from: 0, until: 5_000, total: 0 });
  // A hundred times slower than the window had room for.
  const slow = run(window, {
    rate: 62.5,
    way: 20,
    from: fast.now,
    until: fast.now + 20_000,
    total: fast.total,
  });
  const later = run(window, {
    rate: 62.5,
    way: 20,
    from: slow.now,
    until: slow.now + 10_000,
    total: slow.total,
  });
  assert.ok(later.worst < 500, `${later.worst} ms`);
  run(window, { rate: 1_250, way: 20, from: later.now, until: later.now + 3_000, total: later.total });
  assert.ok(window.bytes > 100_000, `${window.bytes}`);
});

test('a connection that is not full keeps its window, however little it sends', () => {
  const window = new FlowWindow();
  const before = window.bytes;
  for (let i = 1; i < 1_000; i++) {
    window.confirmed({ at: millis(i * 40), total: i * 1_000 }, millis(i * 40 + 30), false);
  }
  assert.equal(window.bytes, before);
  assert.equal(window.delay, 0);
});

test('it never closes wholly', () => {
  const window = new FlowWindow();
  window.confirmed({ at: millis(0), total: 1_000 }, millis(10), true);
  for (let i = 1; i < 50; i++) {
    window.confirmed({ at: millis(i * 5_000), total: 1_000 + i * 10 }, millis(i * 5_000 + 4_000), true);
  }
  assert.ok(window.bytes >= 16_000);
});
