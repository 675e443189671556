import { describe, it } from 'node:test';
import { fuzzOne } from './testing/fuzz.ts';

const long = process.env.PERCH_LONG === '1';
const SHORT_MS = 6_000;
const MOST_MS = 1_000;
const count = Number(process.env.PERCH_FUZZ_COUNT ?? (long ? 1_000_000 : 20_000));
const first = Number(process.env.PERCH_FUZZ_SEED ?? 1);

/** Seeds of inputs that once broke something. */
const kept: readonly number[] = [];

describe('random and mutated streams', () => {
  it('that once broke something no longer do', () => {
    for (const seed of kept) fuzzOne(seed);
  });

  it('neither throw nor hang, and give the same however they are cut', (t) => {
    const begin = performance.now();
    let done = 0;
    for (; done < count; done++) {
      const seed = first + done;
      const start = process.cpuUsage();
      try {
        fuzzOne(seed);
      } catch (cause) {
        throw new Error(`seed ${seed}: ${cause instanceof Error ? cause.message : cause}`, { cause });
      }
      // Of the machine, not of the day: others may keep it busy.
      const { user, system } = process.cpuUsage(start);
      const took = (user + system) / 1_000;
      if (took > MOST_MS) throw new Error(`seed ${seed}: took ${took} ms`);
      if (!long && performance.now() - begin > SHORT_MS) break;
    }
    const seconds = (performance.now() - begin) / 1000;
    t.diagnostic(`${done} inputs, seeds ${first} to ${first + done - 1}, ${seconds.toFixed(1)} s`);
  });
});
