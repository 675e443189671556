import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '@perch/testkit';
import { isQuiet, isZone, type QuietHours } from './quiet-hours.ts';

const EVERY_DAY = [1, 2, 3, 4, 5, 6, 7];
const night = (more: Partial<QuietHours> = {}): QuietHours => ({
  ...{ from: '22:00', to: '07:00', zone: 'Europe/Zurich', days: EVERY_DAY, alarms: true },
  ...more,
});
const at = (time: string) => Date.parse(time);

/** The minutes of a day and more at which it begins or ends to be quiet, as UTC. */
function turns(quiet: QuietHours, from: string, hours: number): string[] {
  const clock = new FakeClock({ wallMs: at(from) });
  const found: string[] = [];
  let was = isQuiet(quiet, clock.wall());
  for (let minute = 0; minute < hours * 60; minute++) {
    clock.advance(60_000);
    const is = isQuiet(quiet, clock.wall());
    if (is !== was)
      found.push(`${is ? 'quiet' : 'loud'} ${new Date(clock.wall()).toISOString().slice(5, 16)}`);
    was = is;
  }
  return found;
}

test('a quiet time begins and ends by the clock where the person is', () => {
  assert.deepEqual(turns(night(), '2026-01-10T12:00Z', 24), ['quiet 01-10T21:00', 'loud 01-11T06:00']);
  assert.deepEqual(turns(night({ zone: 'Asia/Kathmandu' }), '2026-01-10T12:00Z', 24), [
    'quiet 01-10T16:15',
    'loud 01-11T01:15',
  ]);
  assert.deepEqual(turns(night({ from: '12:30', to: '14:00' }), '2026-07-01T00:00Z', 24), [
    'quiet 07-01T10:30',
    'loud 07-01T12:00',
  ]);
});

test('where the clock is put forward in the night, quiet is an hour shorter', () => {
  assert.deepEqual(turns(night(), '2026-03-28T12:00Z', 24), ['quiet 03-28T21:00', 'loud 03-29T05:00']);
});

test('where it is put back, quiet is an hour longer, and an hour that comes twice counts twice', () => {
  assert.deepEqual(turns(night(), '2026-10-24T12:00Z', 24), ['quiet 10-24T20:00', 'loud 10-25T06:00']);
  const twice = turns(night({ from: '02:30', to: '02:45' }), '2026-10-24T22:00Z', 6);
  assert.deepEqual(twice, ['quiet 10-25T00:30', 'loud 10-25T00:45', 'quiet 10-25T01:30', 'loud 10-25T01:45']);
});

test('a time that the clock jumps over ends all the same', () => {
  const gone = night({ from: '01:00', to: '02:30' });
  assert.deepEqual(turns(gone, '2026-03-28T22:00Z', 8), ['quiet 03-29T00:00', 'loud 03-29T01:00']);
});

test('a night belongs to the day on which it begins', () => {
  const friday = night({ days: [5] });
  assert.ok(isQuiet(friday, at('2026-01-09T22:00Z')), 'Friday night');
  assert.ok(isQuiet(friday, at('2026-01-10T05:00Z')), 'Saturday morning');
  assert.ok(!isQuiet(friday, at('2026-01-10T22:00Z')), 'Saturday night');
  assert.ok(!isQuiet(friday, at('2026-01-09T05:00Z')), 'Friday morning');
  const sunday = night({ days: [7] });
  assert.ok(isQuiet(sunday, at('2026-01-12T05:00Z')), 'Monday morning');
});

test('from a time to the same time is a whole day', () => {
  const weekend = night({ from: '08:00', to: '08:00', days: [6] });
  assert.deepEqual(turns(weekend, '2026-01-09T12:00Z', 72), ['quiet 01-10T07:00', 'loud 01-11T07:00']);
});

test('only time zones that there are can be asked for', () => {
  assert.ok(isZone('America/Argentina/Buenos_Aires'));
  assert.ok(!isZone('Europe/Atlantis'));
  assert.ok(!isZone(''));
});
