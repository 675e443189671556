import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fields } from '../../http/fields.ts';
import { clockIn, daysWords, decodeSchedule, scheduleWords } from './schedule.ts';

test('days of the week are said as short as they can be', () => {
  assert.equal(daysWords([1, 2, 3, 4, 5, 6, 7]), 'every day');
  assert.equal(daysWords([5, 1, 2, 3, 4]), 'Mon–Fri');
  assert.equal(daysWords([6, 7]), 'Sat, Sun');
  assert.equal(daysWords([1, 3, 5, 6, 7]), 'Mon, Wed, Fri–Sun');
  assert.equal(daysWords([]), '');
});

test('a schedule is said in a line', () => {
  const weekly = [
    { days: [1, 2, 3, 4, 5], from: '08:00', to: '17:30' },
    { days: [6, 7], from: '00:00', to: '00:00' },
    { days: [], from: '01:00', to: '02:00' },
  ];
  assert.equal(scheduleWords({ weekly }), 'Mon–Fri 08:00–17:30, Sat, Sun all day');
});

test('of a schedule what is no time and no day is passed over', () => {
  const schedule = decodeSchedule(
    new Fields({
      zone: 'Europe/Berlin',
      isOn: true,
      weekly: [
        { days: [1, 9, '2'], from: '22:00', to: '06:00' },
        { days: [1], from: '25:00', to: '06:00' },
      ],
    }),
  );
  assert.deepEqual(schedule, {
    zone: 'Europe/Berlin',
    isOn: true,
    weekly: [{ days: [1], from: '22:00', to: '06:00' }],
  });
});

test('the clock of a zone is told, and that of none is not', () => {
  const at = Date.UTC(2026, 10, 21, 13, 2);
  assert.equal(clockIn('Europe/Berlin', at), '14:02');
  assert.equal(clockIn('Moon/Tycho', at), '');
});
