import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { crashRuns } from './captures-crash.ts';

const runs = Number(process.env.PERCH_RUNS ?? 200);
const seed = Number(process.env.PERCH_SEED ?? randomBytes(4).readUInt32BE());

test(`${runs} ends of agent and relay lose nothing that was promised, and nothing is there twice (PERCH_SEED=${seed})`, async () => {
  await crashRuns({ runs, seed, say: (words) => console.log(words) });
});
