import { test } from 'node:test';
import { cancelUnderViewers } from './revocation.ts';

// revocation.long.ts has 1,000 viewers.
test('200 viewers of a cancelled booking are gone within a second, and nobody else', async (t) => {
  const { lastGoneMs } = await cancelUnderViewers(200);
  t.diagnostic(`the last was gone after ${lastGoneMs.toFixed(0)} ms`);
});
