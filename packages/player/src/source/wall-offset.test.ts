import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WallOffset } from './wall-offset.ts';

test('the quickest of the last samples tells the offset', () => {
  const wall = new WallOffset();
  assert.equal(wall.offset, undefined);
  wall.learn(1_000, 1_100, 6_020); // asymmetric: 30 ms wrong
  wall.learn(2_000, 2_010, 7_005);
  wall.learn(3_000, 3_080, 8_070);
  assert.equal(wall.offset, 5_000);
  assert.equal(wall.roundTrip, 10);
});

test('old samples are forgotten, so that a clock that was set is followed', () => {
  const wall = new WallOffset();
  wall.learn(0, 2, 1);
  for (let i = 1; i <= 8; i++) wall.learn(i * 1_000, i * 1_000 + 10, i * 1_000 + 5 + 90_000);
  assert.equal(wall.offset, 90_000);
});

test('an answer from before its question is no sample', () => {
  const wall = new WallOffset();
  wall.learn(1_000, 900, 5_000);
  assert.equal(wall.offset, undefined);
});
