import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Capture } from './capture.ts';
import { labelOf, progressOf, showBytes, showLength } from './capture-words.ts';

test('lengths are those of a player', () => {
  assert.equal(showLength(0), '0:00');
  assert.equal(showLength(7.4), '0:07');
  assert.equal(showLength(59.6), '1:00');
  assert.equal(showLength(750), '12:30');
  assert.equal(showLength(3_750), '1:02:30');
});

test('sizes have at most three figures', () => {
  assert.equal(showBytes(0), '0 bytes');
  assert.equal(showBytes(850_000), '850 kB');
  assert.equal(showBytes(1_240_000), '1.2 MB');
  assert.equal(showBytes(30e9), '30 GB');
});

const at = new Date(2026, 10, 21, 14, 2).getTime();
const film: Capture = {
  id: 'a',
  device: 'kitchen',
  cause: 'motion',
  at,
  ended: at + 23_000,
  isComplete: true,
  parts: 3,
  lost: 0,
  bytes: 1,
  seconds: 23,
  alarms: 1,
  isKept: true,
};

test('who hears a card learns what it shows', () => {
  assert.equal(labelOf(film, 'Kitchen', at), '14:02, Kitchen, motion, 23 seconds, 1 alarm, kept');
  const live = {
    ...film,
    cause: 'asked',
    ended: undefined,
    isComplete: false,
    seconds: 0,
    alarms: 0,
  } as const;
  assert.equal(labelOf({ ...live, isKept: false }, undefined, at), '14:02, asked for, being filmed');
});

test('a film without an end is being filmed only as long as somebody may be filming', () => {
  const open = { ...film, ended: undefined, isComplete: false };
  assert.equal(progressOf(open, at + 60_000), 'filming');
  assert.equal(progressOf(open, at + 86_400_000), 'arriving');
  assert.equal(progressOf({ ...open, ended: at }, at), 'arriving');
  assert.equal(progressOf(film, at), 'here');
});
