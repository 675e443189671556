import { describe, it } from 'node:test';
import { distance } from '../clock/epoch.ts';
import { Demuxer } from '../demuxer.ts';
import { isUnitStart, pidOf } from '../packet/packet.ts';
import { PMT_PID } from '../psi/output-tables.ts';
import { fuzzInput } from '../testing/fuzz.ts';
import { Random } from '../testing/random.ts';
import { Combiner } from './combiner.ts';
import { readStamps } from './pes-stamps.ts';
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
  const judge = new Judge();
  let encrypted = false;
  const combiner = new Combiner({ onMessage: (bytes) => judge.push(bytes) });
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
    for (const { state } of feeds) {
      if (state.oddities.length > 32) throw new Error('too much to say');
      // What is encrypted is left out, and that is a loss too.
      encrypted ||= state.oddities.join().includes('encrypted');
    }
  }
  combiner.tick(nowMs + 1000);
  if (combiner.state.held > 0) throw new Error(`${combiner.state.held} bytes held for ever`);
  combiner.close();
  const losses = feeds.reduce((sum, { state }) => sum + state.losses, 0);
  if (judge.gaps > losses && !encrypted) throw new Error(`${judge.gaps} gaps out of ${losses}`);
}

/** Says what is wrong with a combined stream. What is inside its units is the encoder's own affair. */
class Judge {
  gaps = 0;
  #clock = Number.NEGATIVE_INFINITY;
  readonly #last = new Map<number, number>();
  readonly #demuxer = new Demuxer({
    onDamage: (damage) => {
      if (damage.kind === 'continuity') this.gaps++;
      else if (damage.kind !== 'pes' && damage.kind !== 'access-unit')
        throw new Error(JSON.stringify(damage));
    },
    onPacket: (bytes, packet) => this.#readPacket(bytes, packet),
    onPcr: ({ pcr }) => {
      if (pcr <= this.#clock) throw new Error(`clock ${pcr} after ${this.#clock}`);
      this.#clock = pcr;
    },
  });

  push(bytes: Uint8Array): void {
    if (bytes.length === 0 || bytes.length % 188 !== 0) throw new Error(`${bytes.length} bytes`);
    this.#demuxer.push(bytes);
  }

  /** Decoding times of a PID rise, tables and those without left aside. */
  #readPacket(bytes: Uint8Array, packet: number): void {
    const pid = pidOf(bytes, packet);
    if (pid === 0 || pid === PMT_PID || !isUnitStart(bytes, packet)) return;
    const stamps = readStamps(bytes, packet, 1);
    if (typeof stamps === 'string') return;
    const dts = stamps.dts ?? stamps.pts;
    if (dts === undefined) return;
    const last = this.#last.get(pid);
    if (last !== undefined && distance(last, dts) <= 0) throw new Error(`DTS ${dts} after ${last}`);
    if (stamps.pts !== undefined && distance(dts, stamps.pts) < 0) throw new Error('shown before decoded');
    this.#last.set(pid, dts);
  }
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
