import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addDays, beginOf, dayOf, daysBetween, endOf, isDay } from './day.ts';

test("a moment falls on the day of the reader's calendar", () => {
  assert.equal(dayOf(new Date(2026, 10, 21, 0, 0).getTime()), '2026-11-21');
  assert.equal(dayOf(new Date(2026, 10, 21, 23, 59, 59).getTime()), '2026-11-21');
  assert.equal(beginOf('2026-11-21'), new Date(2026, 10, 21).getTime());
  assert.equal(endOf('2026-12-31'), new Date(2027, 0, 1).getTime());
});

test('days go on over the ends of months, years and summers', () => {
  assert.equal(addDays('2026-12-31', 1), '2027-01-01');
  assert.equal(addDays('2024-03-01', -1), '2024-02-29');
  const year = daysBetween('2026-01-01', '2026-12-31');
  assert.equal(year.length, 365);
  assert.equal(new Set(year).size, 365);
});

test('what names no day is none', () => {
  for (const text of ['', '2026-13-01', '2026-02-30', 'yesterday', '2026-1-1', '../etc']) {
    assert.equal(isDay(text), false, text);
  }
  assert.equal(isDay('2024-02-29'), true);
});
