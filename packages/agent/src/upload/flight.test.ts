import assert from 'node:assert/strict';
import { test } from 'node:test';
import { millis } from '@perch/runtime';
import { Flight } from './flight.ts';

/** Keeps a line busy that carries so many bytes per ms, and is so long. @returns the most that was on its way lately. */
function busy(flight: Flight, rate: number, way: number, [from, to]: readonly [number, number]): number {
  const part = 8_192;
  let freeAt = from;
  let most = 0;
  const arrivals: { at: number; total: number }[] = [];
  for (let now = from; now < to || arrivals.length > 0; now++) {
    while (arrivals[0] && arrivals[0].at <= now)
      flight.confirmed((arrivals.shift() as { total: number }).total, millis(now));
    while (now < to && flight.hasRoom(part)) {
      freeAt = Math.max(freeAt, now) + part / rate;
      arrivals.push({ at: freeAt + way, total: flight.sent(part, millis(now)) });
    }
    if (now > (from + to) / 2) most = Math.max(most, flight.bytes);
  }
  return most;
}

test('a window opens to what the line carries, and not much beyond', () => {
  for (const [rate, way] of [
    [100, 20],
    [1_000, 50],
    [10_000, 10],
    [20_000, 100],
  ] as const) {
    const carried = rate * way;
    const most = busy(new Flight(), rate, way, [0, 4_000]);
    assert.ok(most >= Math.min(carried, 15_000_000), `${rate} B/ms, ${way} ms: only ${most} of ${carried}`);
    assert.ok(most <= 4 * carried + 256 * 1024, `${rate} B/ms, ${way} ms: ${most} for ${carried}`);
  }
});

test('on a slow line little is on its way', () => {
  assert.ok(busy(new Flight(), 50, 5, [0, 10_000]) <= 33 * 1024);
});

test('a line that gets slow gets less', () => {
  const flight = new Flight();
  busy(flight, 10_000, 10, [0, 1_000]);
  const before = flight.window;
  busy(flight, 100, 10, [2_000, 9_000]);
  assert.ok(flight.window < before / 4, `${before} → ${flight.window}`);
});

test('something may always be on its way, and an answer that was never asked for says nothing', () => {
  const flight = new Flight();
  assert.ok(flight.hasRoom(100_000_000));
  flight.sent(100_000_000, millis(0));
  assert.equal(flight.hasRoom(1), false);
  flight.confirmed(5, millis(1));
  assert.equal(flight.bytes, 100_000_000);
});
