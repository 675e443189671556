import assert from 'node:assert/strict';
import { test } from 'node:test';
import { showAgo, showDay, showMoment, showSpan, showUntil } from './time.ts';

const now = new Date(2026, 10, 21, 14, 2).getTime();
const MINUTE = 60_000;
const DAY = 1_440 * MINUTE;

test('how long ago is said in the largest unit that fits', () => {
  assert.equal(showAgo(now - 20_000, now), 'just now');
  assert.equal(showAgo(now - MINUTE, now), '1 minute ago');
  assert.equal(showAgo(now - 59.7 * MINUTE, now), '1 hour ago');
  assert.equal(showAgo(now - 2 * DAY, now), '2 days ago');
  assert.equal(showAgo(now - 40 * DAY, now), 'on 12 October 2026');
});

test('a clock that is behind says just now, not a time to come', () => {
  assert.equal(showAgo(now + 5_000, now), 'just now');
});

test('how long something lasts yet', () => {
  assert.equal(showUntil(now + 5 * MINUTE, now), 'in 5 minutes');
  assert.equal(showUntil(now, now), 'over');
  assert.equal(showUntil(now + 400 * DAY, now), 'on 26 December 2027');
});

test('a span is never 0 of anything', () => {
  assert.equal(showSpan(0), '1 second');
  assert.equal(showSpan(23.6 * 60 * MINUTE), '1 day');
});

test("days are those of the reader's calendar, not 24 hours", () => {
  assert.equal(showDay(new Date(2026, 10, 21, 0, 1).getTime(), now), 'Today');
  assert.equal(showDay(new Date(2026, 10, 20, 23, 59).getTime(), now), 'Yesterday');
  assert.equal(showDay(new Date(2026, 10, 19).getTime(), now), 'Thursday 19 November');
  assert.equal(showDay(new Date(2025, 11, 31).getTime(), now), '31 December 2025');
  assert.equal(showMoment(now, now), '14:02');
  assert.equal(showMoment(now - DAY, now), 'yesterday 14:02');
});
