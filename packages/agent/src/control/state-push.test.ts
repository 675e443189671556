import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StateItems } from '@perch/protocol';
import { FakeClock } from '@perch/testkit';
import { StatePush } from './state-push.ts';

/** A state that changes with each look, and when it was told. */
function setUp() {
  const clock = new FakeClock();
  const told: number[] = [];
  const wire = { isFull: false, isStill: false };
  let bytes = 0;
  const push = new StatePush({
    take: (): StateItems => ({
      feeds: [{ feed: 'v', bytes: wire.isStill ? bytes : ++bytes }],
      streams: [],
      destinations: [],
      sources: [],
      cameras: [],
    }),
    send: () => void told.push(clock.now() / 1_000),
    isFull: () => wire.isFull,
    clock,
  });
  return { clock, told, wire, push };
}

test('state is told at once, then every fifteen seconds while nobody looks', () => {
  const { clock, told } = setUp();
  clock.advance(46_000);
  assert.deepEqual(told, [0, 15, 30, 45]);
});

test('while somebody looks it is told every second, and at once where that is due', () => {
  const { clock, told, push } = setUp();
  clock.advance(4_000);
  push.watch(true);
  clock.advance(2_500);
  push.watch(false);
  clock.advance(20_000);
  assert.deepEqual(told, [0, 4, 5, 6, 21]);
});

test('however often people come and go, it is told once a second at most', () => {
  const { clock, told, push } = setUp();
  for (let i = 0; i < 40; i++) {
    push.watch(i % 2 === 0);
    clock.advance(100);
  }
  assert.deepEqual(told, [0, 1, 2, 3]);
});

test('what somebody waits for is told at once, yet no more than once a second', () => {
  const { clock, told, push } = setUp();
  clock.advance(3_000);
  for (let i = 0; i < 15; i++) {
    push.hurry();
    clock.advance(100);
  }
  clock.advance(20_000);
  assert.deepEqual(told, [0, 3, 4, 5, 20]);
});

test('nothing is told where nothing has changed', () => {
  const { clock, told, wire, push } = setUp();
  push.watch(true);
  wire.isStill = true;
  clock.advance(60_000);
  assert.deepEqual(told, [0]);
});

test('a slow line gets nothing more, and then what is newest', () => {
  const { clock, told, wire, push } = setUp();
  push.watch(true);
  wire.isFull = true;
  clock.advance(10_500);
  wire.isFull = false;
  clock.advance(1_000);
  assert.deepEqual(told, [0, 11]);
  push[Symbol.dispose]();
  push.watch(true);
  clock.advance(60_000);
  assert.deepEqual(told, [0, 11], 'nor anything after its end');
  assert.equal(clock.pending, 0);
});
