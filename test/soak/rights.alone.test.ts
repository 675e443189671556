import { describe, it } from 'node:test';
import { kinds, takeRight } from './rights.ts';

// rights.long.ts has 1,000 viewers.
describe('who rests on what is taken is gone within a second, at both of two relays, and nobody else', () => {
  for (const kind of kinds) {
    it(`50 viewers or publishers by ${kind}`, async (t) => {
      const { lastGoneMs } = await takeRight(kind, 25);
      t.diagnostic(`the last was gone after ${lastGoneMs.toFixed(0)} ms`);
    });
  }
});
