import assert from 'node:assert/strict';
import { test } from 'node:test';
import { millis } from '@perch/runtime';
import { Filming } from './filming.ts';
import type { Group } from './ring.ts';
import type { Stretch } from './segment.ts';

/** Groups of two seconds in a row, from this second on. */
const group = (second: number, tables = 'a'): Group => ({
  begin: millis(second * 1_000),
  end: millis((second + 2) * 1_000),
  parts: [new Uint8Array(10)],
  bytes: 10,
  tables,
});

function make(until: number, most = 300, before?: Group) {
  const segments: Stretch[] = [];
  let ends = 0;
  const film = {
    segment: (stretch: Stretch) => segments.push(stretch),
    end: () => {
      ends += 1;
    },
  };
  const filming = new Filming({ film, until: millis(until * 1_000), most: millis(most * 1_000), before });
  const seconds = (groups: readonly (Group | undefined)[]) => groups.map((one) => one && one.begin / 1_000);
  return {
    filming,
    /** Of each segment: what was before it, its groups, what was after it. */
    segments: () =>
      segments.map(({ before: b, groups, after }) => [seconds([b]), seconds(groups), seconds([after])]),
    ends: () => ends,
  };
}

test('a film is cut into segments of six seconds, which know their neighbours', () => {
  const { filming, segments, ends } = make(14, 300, group(-2));
  for (const second of [0, 2, 4, 6, 8, 10, 12]) assert.equal(filming.take(group(second)), 'taken');
  assert.equal(filming.take(group(14)), 'over');
  assert.deepEqual(segments(), [
    [[-2], [0, 2, 4], [6]],
    [[4], [6, 8, 10], [12]],
    [[10], [12], [14]],
  ]);
  assert.deepEqual([filming.isOver, ends()], [true, 1]);
  assert.equal(filming.take(group(16)), 'over');
  filming.end();
  assert.equal(ends(), 1);
});

test('what moves on lets it go on, but not beyond its most: then another can begin with that very group', () => {
  const { filming, segments } = make(4, 8);
  for (const second of [0, 2]) filming.take(group(second));
  filming.extend(millis(60_000));
  filming.extend(millis(5_000));
  assert.deepEqual(
    [filming.take(group(4)), filming.take(group(6)), filming.take(group(8))],
    ['taken', 'taken', 'full'],
  );
  assert.deepEqual(
    segments().flatMap(([, groups]) => groups),
    [0, 2, 4, 6],
  );
});

test('other tracks, and a hole, begin a file of their own', () => {
  const { filming, segments } = make(100);
  filming.take(group(0));
  filming.take(group(2, 'b'));
  filming.take(group(8, 'b'));
  filming.end();
  assert.deepEqual(segments(), [
    [[undefined], [0], [undefined]],
    [[undefined], [2], [undefined]],
    [[undefined], [8], [undefined]],
  ]);
});
