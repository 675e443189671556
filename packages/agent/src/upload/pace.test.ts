import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '@perch/testkit';
import { Pace } from './pace.ts';

/** Sends as fast as the pace allows, but no faster than the line. @returns bytes per second of the last half. */
function sendFor(pace: Pace, clock: FakeClock, ms: number, line: number): number {
  const part = 4_096;
  let sent = 0;
  let room = 0;
  for (let at = 0; at < ms; at++) {
    room = Math.min(room, 0) + line / 1000;
    while (room > 0 && pace.wait(part) === 0) {
      room -= part;
      if (at >= ms / 2) sent += part;
    }
    clock.advance(1);
  }
  return (sent * 1000) / (ms / 2);
}

test('without a limit, and without live video that waits, nothing waits', () => {
  const pace = new Pace({ clock: new FakeClock() });
  for (let i = 0; i < 10_000; i++) assert.equal(pace.wait(256 * 1024), 0);
});

test('a limit is kept', () => {
  const clock = new FakeClock();
  const rate = sendFor(new Pace({ clock, mostPerSecond: 1_000_000 }), clock, 10_000, 50_000_000);
  assert.ok(Math.abs(rate - 1_000_000) < 50_000, `${rate} bytes per second`);
});

test('live video that waits has the line nearly to itself, and when it does not the line is taken again', () => {
  const clock = new FakeClock();
  let delay = 0;
  const pace = new Pace({ clock, liveDelay: () => delay });
  const free = sendFor(pace, clock, 4_000, 4_096_000);
  delay = 400;
  const yielding = sendFor(pace, clock, 10_000, 4_096_000);
  assert.ok(yielding < free / 50 && yielding > 8_000, `${free}, then ${yielding}`);
  delay = 0;
  const again = sendFor(pace, clock, 20_000, 4_096_000);
  assert.ok(again > free * 0.9, `${again} of ${free}`);
});
