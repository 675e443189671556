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

/** A window that knows its line: 20 ms long, and it carries 125 bytes a ms. */
function knowing(): FlowWindow {
  const window = new FlowWindow();
  for (let i = 1; i < 50; i++) {
    window.confirmed({ at: millis(i * 100 - 20), total: i * 12_500 }, millis(i * 100), false);
  }
  return window;
}

test('silence says that a line has got slow before any answer does', () => {
  const window = knowing();
  // Read after 100 ms, and 20 ms on the way.
  const asked = 12_500;
  assert.equal(window.isFull({ bytes: 100_000, asked, owed: 200 }), false);
  assert.equal(window.isFull({ bytes: 100_000, asked, owed: 230 }), true);
  assert.equal(window.isFull({ bytes: 12_500, asked, owed: 5_000 }), false);
  assert.equal(window.isFull({ bytes: 0, asked: 0, owed: 0 }), false);
});

test('of a large message that is being read only the rest counts', () => {
  const window = knowing();
  const bytes = window.bytes + 40_000;
  assert.equal(window.isFull({ bytes, asked: 50_000, owed: 50 }), true);
  assert.equal(window.isFull({ bytes, asked: 50_000, owed: 400 }), false);
});

test('the longest way of the last seconds is known, and forgotten', () => {
  const window = new FlowWindow();
  for (let i = 1; i < 400; i++) {
    const way = i === 100 ? 900 : 30;
    window.confirmed({ at: millis(i * 40), total: i * 1_000 }, millis(i * 40 + way), false);
    if (i === 150) assert.equal(window.longest, 900);
  }
  assert.equal(window.longest, 30);
});

test('it never closes wholly', () => {
  const window = new FlowWindow();
  window.confirmed({ at: millis(0), total: 1_000 }, millis(10), true);
  for (let i = 1; i < 50; i++) {
    window.confirmed({ at: millis(i * 5_000), total: 1_000 + i * 10 }, millis(i * 5_000 + 4_000), true);
  }
  assert.ok(window.bytes >= 16_000);
});
