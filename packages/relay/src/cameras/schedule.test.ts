import assert from 'node:assert/strict';
import { it } from 'node:test';
import { FakeClock } from '@perch/testkit';
import { phaseAt, type ScheduleRow } from './schedule.ts';
import { instantsOf, wallTime, zoneNamed } from './zone-time.ts';

const EVERY_DAY = [1, 2, 3, 4, 5, 6, 7];
const BERLIN = 'Europe/Berlin';
const at = (text: string) => Date.parse(text);
const shown = (ms: number | undefined) => (ms === undefined ? null : new Date(ms).toISOString().slice(0, 16));

/** When it switches, from a moment on, as whoever waits for each edge sees it. */
function edges(weekly: readonly ScheduleRow[], start: string, count: number, zone = BERLIN): string[] {
  const clock = new FakeClock({ wallMs: at(start) });
  const seen: string[] = [];
  while (seen.length < count) {
    const { nextEdge } = phaseAt({ zone, weekly }, clock.wall());
    if (nextEdge === undefined) return seen;
    assert.ok(nextEdge > clock.wall(), 'an edge is to come');
    clock.advance(nextEdge - clock.wall());
    seen.push(`${shown(nextEdge)} ${phaseAt({ zone, weekly }, clock.wall()).isArmed ? 'on' : 'off'}`);
  }
  return seen;
}

it('switches by the clocks of the device, over midnight too', () => {
  const nights = [{ days: [1, 2, 3, 4, 5], from: '22:00', to: '06:30' }];
  // 6 November 2026 is a Friday. Its night ends on Saturday; that of Saturday is not armed.
  assert.deepEqual(edges(nights, '2026-11-06T12:00:00Z', 4), [
    '2026-11-06T21:00 on',
    '2026-11-07T05:30 off',
    '2026-11-09T21:00 on',
    '2026-11-10T05:30 off',
  ]);
  assert.deepEqual(edges(nights, '2026-11-06T12:00:00Z', 1, 'America/New_York'), ['2026-11-07T03:00 on']);
});

it('keeps to the clock when clocks are put forward and back', () => {
  const day = [{ days: EVERY_DAY, from: '08:00', to: '20:00' }];
  assert.deepEqual(edges(day, '2026-03-28T12:00:00Z', 3), [
    '2026-03-28T19:00 off',
    '2026-03-29T06:00 on',
    '2026-03-29T18:00 off',
  ]);
  assert.deepEqual(edges(day, '2026-10-24T12:00:00Z', 3), [
    '2026-10-24T18:00 off',
    '2026-10-25T07:00 on',
    '2026-10-25T19:00 off',
  ]);
});

it('begins and ends at the jump where a clock skips the time', () => {
  // Berlin, 29 March 2026: 02:00 becomes 03:00, at 01:00 UTC.
  const begins = [{ days: [7], from: '02:30', to: '05:00' }];
  assert.deepEqual(edges(begins, '2026-03-28T12:00:00Z', 2), ['2026-03-29T01:00 on', '2026-03-29T03:00 off']);
  const ends = [{ days: [6], from: '23:00', to: '02:30' }];
  assert.deepEqual(edges(ends, '2026-03-28T12:00:00Z', 2), ['2026-03-28T22:00 on', '2026-03-29T01:00 off']);
  // All of it is skipped, that week.
  const skipped = [{ days: [7], from: '02:10', to: '02:50' }];
  assert.deepEqual(edges(skipped, '2026-03-28T12:00:00Z', 2), [
    '2026-04-05T00:10 on',
    '2026-04-05T00:50 off',
  ]);
});

it('is armed from the first and until the last where a clock shows the time twice', () => {
  // Berlin, 25 October 2026: 03:00 becomes 02:00, at 01:00 UTC.
  const begins = [{ days: [7], from: '02:30', to: '05:00' }];
  assert.deepEqual(edges(begins, '2026-10-24T12:00:00Z', 2), ['2026-10-25T00:30 on', '2026-10-25T04:00 off']);
  const ends = [{ days: [6], from: '23:00', to: '02:30' }];
  assert.deepEqual(edges(ends, '2026-10-24T12:00:00Z', 2), ['2026-10-24T21:00 on', '2026-10-25T01:30 off']);
});

it('takes spans that touch or overlap for one', () => {
  const rows = [
    { days: [1], from: '08:00', to: '12:00' },
    { days: [1], from: '12:00', to: '13:00' },
    { days: [1], from: '12:30', to: '18:00' },
  ];
  assert.deepEqual(edges(rows, '2026-11-09T00:00:00Z', 2), ['2026-11-09T07:00 on', '2026-11-09T17:00 off']);
});

it('never switches where it says always, or nothing', () => {
  const always = [{ days: EVERY_DAY, from: '00:00', to: '00:00' }];
  for (const start of ['2026-03-29T00:30:00Z', '2026-10-25T00:30:00Z', '2026-06-01T00:00:00Z']) {
    assert.deepEqual(phaseAt({ zone: BERLIN, weekly: always }, at(start)), {
      isArmed: true,
      nextEdge: undefined,
    });
  }
  assert.deepEqual(phaseAt({ zone: BERLIN, weekly: [] }, 0), { isArmed: false, nextEdge: undefined });
});

it('knows what clocks show anywhere, whatever the jump', () => {
  // Lord Howe is put forward by half an hour; Samoa left out the whole 30 December 2011.
  for (const [zone, moment] of [
    ['Australia/Lord_Howe', '2026-10-03T15:30:00Z'],
    ['Pacific/Apia', '2011-12-30T10:00:00Z'],
    ['Asia/Kathmandu', '2026-01-01T00:00:00Z'],
  ] as const) {
    for (let hours = -40; hours <= 40; hours++) {
      const ms = at(moment) + hours * 1_800_000;
      const { first, last } = instantsOf(zone, wallTime(zone, ms));
      assert.ok(ms === first || ms === last, `${zone} ${new Date(ms).toISOString()}`);
    }
  }
  assert.equal(shown(instantsOf('Pacific/Apia', at('2011-12-30T12:00:00Z')).first), '2011-12-30T10:00');
});

it('takes names of zones, and no offsets', () => {
  assert.equal(zoneNamed('europe/berlin'), BERLIN);
  for (const none of ['Europe/Nowhere', '+01:00', '', '-05', 'x'.repeat(500)])
    assert.equal(zoneNamed(none), undefined);
});
