import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { cutRuns, rowOf } from './captures-cut.ts';

const runs = Number(process.env.PERCH_RUNS ?? 200);
const seed = Number(process.env.PERCH_SEED ?? randomBytes(4).readUInt32BE());

test(`${runs} cuts at random bytes: all comes home once, and at most 2 % is sent again (PERCH_SEED=${seed})`, async () => {
  const report = await cutRuns({ runs, seed, between: 5_000_000 });
  console.log(rowOf('a cut each 5 MB', report));
  assert.ok(report.connections > runs);
  assert.ok(report.repeated <= 0.02 * report.bytes);
});

test(`${runs} cuts, one each 650 kB (PERCH_SEED=${seed})`, async () => {
  const fast = await cutRuns({ runs, seed, between: 650_000 });
  console.log(rowOf('a cut each 650 kB', fast));
  assert.ok(fast.connections > runs);
});

test(`${runs >> 2} cuts, one each 650 kB, of a line of 1 MB/s and 50 ms (PERCH_SEED=${seed})`, async () => {
  const slow = await cutRuns({ runs: runs >> 2, seed, between: 650_000, rate: 1_000_000, delay: 25 });
  console.log(rowOf('a cut each 650 kB at 1 MB/s and 50 ms', slow));
});
