import { test } from 'node:test';
import { cancelUnderViewers } from './revocation.ts';

test('1,000 viewers of a cancelled booking are gone within a second, and nobody else', async (t) => {
  const { lastGoneMs } = await cancelUnderViewers(1_000);
  t.diagnostic(`the last was gone after ${lastGoneMs.toFixed(0)} ms`);
});
