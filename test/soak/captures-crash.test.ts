import { test } from 'node:test';
import { crashRuns } from './captures-crash.ts';

const SEED = 7;

// captures-crash.long.ts has 200 runs, and other seeds.
test('agent and relay that are killed, and lose power, lose nothing that was promised', async () => {
  await crashRuns({ runs: 3, seed: SEED, say: () => undefined });
});
