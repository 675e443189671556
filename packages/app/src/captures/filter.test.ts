import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Capture } from './capture.ts';
import { everything, type Filter, matches, parseFilter, queryOf, writeFilter } from './filter.ts';

const film: Capture = {
  id: 'a',
  device: 'kitchen-x7k2',
  cause: 'motion',
  at: new Date(2026, 10, 21, 14, 2).getTime(),
  ended: undefined,
  isComplete: false,
  parts: 1,
  lost: 0,
  bytes: 1,
  seconds: 5,
  alarms: 0,
  isKept: false,
};

test('a filter in an address is understood as it was written', () => {
  const filters: Filter[] = [
    everything,
    { kind: 'motion' },
    { kind: 'alarm', device: 'kitchen-x7k2' },
    { kind: 'all', day: '2026-11-21' },
    { kind: 'asked', device: 'kitchen-x7k2', day: '2024-02-29' },
  ];
  for (const filter of filters) assert.deepEqual(parseFilter(writeFilter(filter)), filter);
  assert.equal(writeFilter(everything), '');
});

test('what an address says that is no filter is passed over', () => {
  assert.deepEqual(parseFilter('?show=cats&day=2026-02-31&device=%3Cb%3E&more=1'), everything);
});

test('a day is asked for from its first to its last moment, by the clock of the reader', () => {
  const query = new URLSearchParams(queryOf({ kind: 'alarm', day: '2026-11-21' }));
  assert.equal(query.get('since'), new Date(2026, 10, 21).toISOString());
  assert.equal(query.get('until'), new Date(2026, 10, 21, 23, 59, 59, 999).toISOString());
  assert.equal(query.get('alarm'), 'true');
  assert.equal(queryOf({ kind: 'asked', device: 'porch' }), 'device=porch&cause=asked');
});

test('a film that comes while one looks is shown only where it belongs', () => {
  assert.equal(matches(everything, film), true);
  assert.equal(matches({ kind: 'motion', device: 'kitchen-x7k2', day: '2026-11-21' }, film), true);
  assert.equal(matches({ kind: 'asked' }, film), false);
  assert.equal(matches({ kind: 'alarm' }, film), false);
  assert.equal(matches({ kind: 'alarm' }, { ...film, alarms: 1 }), true);
  assert.equal(matches({ kind: 'all', device: 'porch' }, film), false);
  assert.equal(matches({ kind: 'all', day: '2026-11-20' }, film), false);
});
