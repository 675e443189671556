import { describe, it } from 'node:test';
import { fuzzInput } from '../testing/fuzz.ts';
import { Random } from '../testing/random.ts';
import { Combiner } from './combiner.ts';
import { TimedFeed } from './timed-feed.ts';

const long = process.env.PERCH_LONG === '1';
const SHORT_MS = 4_000;
const count = Number(process.env.PERCH_FUZZ_COUNT ?? (long ? 300_000 : 20_000));
const first = Number(process.env.PERCH_FUZZ_SEED ?? 1);

/** Throws where a combiner does what it must not, whatever its feeds bring and whatever is asked of it meanwhile. */
function fuzzOne(seed: number): void {
  const random = new Random(seed);
  const feeds = Array.from({ length: 3 }, (_, i) => new TimedFeed({ name: `feed ${i}` }));
  const inputs = feeds.map((_, i) => fuzzInput(seed * 3 + i));
  const begun = feeds.map(() => 0);
  let out = 0;
  const combiner = new Combiner({
    onMessage: (bytes) => {
      out += bytes.length;
      if (bytes.length === 0 || bytes.length % 188 !== 0) throw new Error(`${bytes.length} bytes`);
      for (let at = 0; at < bytes.length; at += 188) if (bytes[at] !== 0x47) throw new Error('no packet');
    },
  });
  let nowMs = random.below(1e9);
  const some = () => feeds.filter(() => random.below(3) > 0);
  combiner.setFeeds(feeds, nowMs);
  const pushed = () => inputs.reduce((sum, input) => sum + input.length, 0);
  for (let step = 0; step < 40; step++) {
    nowMs += random.below(random.pick([1, 40, 3000]));
    const i = random.below(3);
    const feed = feeds[i] as TimedFeed;
    const from = begun[i] ?? 0;
    const size = random.below(4000);
    feed.push((inputs[i] as Uint8Array).subarray(from, from + size), nowMs);
    begun[i] = from + size;
    const what = random.below(12);
    if (what === 0) combiner.setFeeds(some(), nowMs, { keepUntilReady: random.below(2) === 0 });
    if (what === 1) feed.interrupt(nowMs);
    if (what === 2) feed.pushData(random.bytes(random.below(300)), nowMs);
    if (what > 6) combiner.tick(nowMs);
    if (combiner.state.held > pushed() * 2 + 200_000) throw new Error(`${combiner.state.held} bytes held`);
    for (const { state } of feeds) if (state.oddities.length > 32) throw new Error('too much to say');
  }
  combiner.tick(nowMs + 1000);
  if (combiner.state.held > 0) throw new Error(`${combiner.state.held} bytes held for ever`);
  combiner.close();
  if (!Number.isSafeInteger(out)) throw new Error('impossible');
}

describe('feeds of random and mutated streams', () => {
  it('neither make a combiner throw nor hang nor hold on to anything', (t) => {
    const begin = performance.now();
    let done = 0;
    for (; done < count; done++) {
      const seed = first + done;
      try {
        fuzzOne(seed);
      } catch (cause) {
        throw new Error(`seed ${seed}: ${cause instanceof Error ? cause.message : cause}`, { cause });
      }
      if (!long && performance.now() - begin > SHORT_MS) break;
    }
    t.diagnostic(`${done} inputs, seeds ${first} to ${first + done - 1}`);
  });
});
