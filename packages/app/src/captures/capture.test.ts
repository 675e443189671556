import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeAlarms, decodeCaptures, decodeDetail } from './capture.ts';
import { decodeDays } from './days.ts';
import { alarmsIn } from './film-alarms.ts';

const film = {
  id: 'f1',
  device: 'kitchen-x7k2',
  cause: 'asked',
  at: '2026-11-21T14:02:00.000Z',
  ended: null,
  complete: false,
  segments: 2,
  lost: 1,
  bytes: 1_200_000,
  seconds: 12.5,
  alarms: 1,
  keep: true,
};

test('a film is understood, and one that names neither itself nor its time is passed over', () => {
  const [one, ...others] = decodeCaptures([film, { id: 'no time' }, { at: film.at }, null]);
  assert.equal(others.length, 0);
  assert.deepEqual(one, {
    id: 'f1',
    device: 'kitchen-x7k2',
    cause: 'asked',
    at: Date.UTC(2026, 10, 21, 14, 2),
    ended: undefined,
    isComplete: false,
    parts: 2,
    lost: 1,
    bytes: 1_200_000,
    seconds: 12.5,
    alarms: 1,
    isKept: true,
  });
});

test('of its parts those are told of that are missing, or cannot be played', () => {
  const { missing } = decodeDetail({
    ...film,
    segmentList: [
      { number: 0, state: 'here', playable: true, reason: 'its index was made anew' },
      { number: 1, state: 'lost', reason: 'the file was empty' },
      { number: 2, state: 'here', playable: false, reason: 'it has no picture' },
    ],
  });
  assert.deepEqual(missing, [
    { number: 1, reason: 'the file was empty' },
    { number: 2, reason: 'it has no picture' },
  ]);
  assert.throws(() => decodeDetail({ message: 'no film' }), TypeError);
});

test('the alarms of a film are marked where they were, and none beyond its ends', () => {
  const [one] = decodeCaptures([film]);
  assert.ok(one);
  const alarm = (id: string, at: string, capture: string | null = 'f1') => ({
    ...{ id, at, capture },
    device: 'kitchen-x7k2',
  });
  const alarms = decodeAlarms([
    alarm('late', '2026-11-21T15:00:00Z'),
    alarm('within', '2026-11-21T14:02:05Z'),
    alarm('early', '2026-11-21T14:01:58Z'),
    alarm('of another', '2026-11-21T14:02:05Z', 'f2'),
    alarm('alone', '2026-11-21T14:02:05Z', null),
  ]);
  assert.deepEqual(alarmsIn(one, alarms), [
    { id: 'early', seconds: 0 },
    { id: 'within', seconds: 5 },
    { id: 'late', seconds: 12.5 },
  ]);
});

test('days are counted where they are days', () => {
  const days = decodeDays([
    { day: '2026-11-21', captures: 3, alarms: 1 },
    { day: '2026-02-31', captures: 1 },
    { captures: 1 },
  ]);
  assert.deepEqual(days, [{ day: '2026-11-21', captures: 3, alarms: 1 }]);
});
