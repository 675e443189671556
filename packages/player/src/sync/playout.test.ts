import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mediaMs } from './media-time.ts';
import { Playout } from './playout.ts';

const RATE = 48_000;
const QUANTUM = 128;

/** Output and an encoder whose frames of `frameMs` arrive in groups of `group`, moved by `jitterMs` of `random`. */
class Bench {
  readonly playout = new Playout({ outputRate: RATE });
  readonly output: number[] = [];
  #timeMs = 0;
  #sentMs = 0;
  readonly #left = new Float32Array(QUANTUM);
  readonly #right = new Float32Array(QUANTUM);
  #arrivals: { at: number; pts: number }[] = [];
  readonly #options: { frameMs: number; group: number; jitterMs: number; driftPpm: number };

  constructor(options: { frameMs?: number; group?: number; jitterMs?: number; driftPpm?: number } = {}) {
    this.#options = { frameMs: 20, group: 1, jitterMs: 0, driftPpm: 0, ...options };
  }

  /** Lets `ms` pass; `random` gives each group's delay as a share of the jitter. */
  run(ms: number, random: () => number = () => 0): void {
    const { frameMs, group, jitterMs, driftPpm } = this.#options;
    const end = this.#timeMs + ms;
    for (; this.#timeMs < end; this.#timeMs += (QUANTUM / RATE) * 1000) {
      const senderMs = this.#timeMs * (1 + driftPpm / 1e6);
      while (this.#sentMs + frameMs * group <= senderMs) {
        const at = this.#timeMs + random() * jitterMs;
        for (let i = 0; i < group; i++) this.#arrivals.push({ at, pts: this.#sentMs + i * frameMs });
        this.#sentMs += frameMs * group;
      }
      this.#arrivals = this.#arrivals.filter(({ at, pts }) => {
        if (at > this.#timeMs) return true;
        this.push(pts, frameMs);
        return false;
      });
      this.playout.read(this.#left, this.#right);
      this.output.push(...this.#left);
    }
  }

  /** So much time went by without an arrival: all of it comes at once. */
  stall(ms: number): void {
    this.#timeMs += ms;
  }

  push(pts: number, lengthMs: number): void {
    const plane = Float32Array.from({ length: (lengthMs / 1000) * RATE }, (_, i) =>
      Math.sin(((pts / 1000) * RATE + i) * 0.05),
    );
    this.playout.push({ pts: mediaMs(pts), sampleRate: RATE, planes: [plane] });
  }

  /** How long after it was sent a sample is heard. */
  get delayMs(): number {
    return this.#timeMs - (this.playout.report().position ?? Number.NaN);
  }
}

const lcg = (seed: number) => () => {
  seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
  return seed / 2 ** 31;
};

test('an even stream is played with hardly more than one frame in hand, and never runs out', () => {
  const bench = new Bench();
  bench.run(10_000);
  const report = bench.playout.report();
  assert.equal(report.underruns, 0);
  assert.equal(report.skippedMs, 0);
  assert.equal(report.rate, 1);
  assert.ok(bench.delayMs < 20 + 12, `${bench.delayMs} ms behind`);
});

test('what is played at rate 1 is what was sent, sample for sample', () => {
  const bench = new Bench();
  bench.run(10_000);
  const position = bench.playout.report().position ?? 0;
  bench.run(5);
  const first = bench.output.at(-Math.round(QUANTUM * 2)) as number;
  assert.ok(bench.output.slice(-QUANTUM * 2).includes(first));
  const expected = Math.sin((position / 1000) * RATE * 0.05);
  assert.ok(
    bench.output.slice(-QUANTUM * 3).some((sample) => Math.abs(sample - expected) < 1e-3),
    'the wave goes on',
  );
});

test('jitter is learnt: after the first minute the sound no longer runs out', () => {
  const bench = new Bench({ jitterMs: 60 });
  const random = lcg(7);
  bench.run(60_000, random);
  const before = bench.playout.report().underruns;
  bench.run(60_000, random);
  assert.ok(bench.playout.report().underruns - before <= 2, 'ran out again and again');
  assert.ok(bench.delayMs < 20 + 60 + 60, `${bench.delayMs} ms behind`);
});

test('sound that comes eight frames at a time is played without a gap', () => {
  const bench = new Bench({ group: 8 });
  bench.run(5_000);
  const before = bench.playout.report().underruns;
  bench.run(20_000);
  assert.equal(bench.playout.report().underruns, before);
  assert.ok(bench.delayMs < 160 + 40, `${bench.delayMs} ms behind`);
});

test('a surplus is played off a little faster, never kept', () => {
  const bench = new Bench();
  bench.run(3_000);
  const before = bench.delayMs;
  bench.push(100_000, 150); // 150 ms too much in hand
  bench.run(2_000); // the lowest point is looked at over a second and a half
  assert.ok(bench.playout.report().rate > 1.02);
  bench.run(8_000);
  assert.ok(bench.playout.report().bufferedMs < before + 10);
  assert.equal(bench.playout.report().rate, 1);
});

test('the rate stays within what ears forgive', () => {
  const bench = new Bench({ jitterMs: 100 });
  const random = lcg(3);
  for (let i = 0; i < 200; i++) {
    bench.run(50, random);
    const { rate } = bench.playout.report();
    assert.ok(rate >= 0.97 && rate <= 1.06, String(rate));
  }
});

test('more than a second too much is skipped at once', () => {
  const bench = new Bench();
  bench.run(2_000);
  for (let i = 0; i < 75; i++) bench.push(2_000 + i * 20, 20);
  bench.run(10);
  const report = bench.playout.report();
  assert.ok(report.skippedMs > 1_000);
  assert.ok(report.bufferedMs < 60);
});

test('after a stall the sound is as near to live as before', () => {
  const bench = new Bench();
  bench.run(5_000);
  const before = bench.delayMs;
  const silence = new Float32Array(QUANTUM);
  for (let ms = 0; ms < 2_300; ms += (QUANTUM / RATE) * 1000) bench.playout.read(silence, silence.slice());
  bench.stall(2_300);
  bench.run(3_000);
  assert.ok(bench.delayMs < before + 60, `${bench.delayMs} ms behind, ${before} before`);
  assert.equal(bench.playout.report().underruns, 1);
});

test('a sender whose clock is fast or slow is followed for ever without a gap', () => {
  for (const driftPpm of [300, -300]) {
    const bench = new Bench({ driftPpm });
    bench.run(120_000);
    const report = bench.playout.report();
    assert.ok(report.underruns <= 1, `ran out ${report.underruns} times at ${driftPpm} ppm`);
    assert.ok(report.bufferedMs < 60, `${report.bufferedMs} ms in hand at ${driftPpm} ppm`);
  }
});

test('a hole in the stream moves the time on and is not filled', () => {
  const playout = new Playout({ outputRate: RATE });
  const plane = new Float32Array(4_800);
  playout.push({ pts: mediaMs(0), sampleRate: RATE, planes: [plane] });
  playout.push({ pts: mediaMs(300), sampleRate: RATE, planes: [plane] });
  const out = new Float32Array(4_800 + 480);
  playout.read(out, out.slice());
  const position = playout.report().position ?? 0;
  assert.ok(Math.abs(position - 310) < 1, String(position));
});

test('a picture that comes late gets its sound kept back as long', () => {
  const bench = new Bench();
  bench.run(3_000);
  const before = bench.delayMs;
  bench.playout.extraMs = 100;
  bench.run(10_000);
  const after = bench.delayMs;
  assert.ok(Math.abs(after - before - 100) < 8, `${after - before} ms`);
  assert.equal(bench.playout.report().underruns, 0);
});

test('no click where sound begins or ends', () => {
  const bench = new Bench();
  bench.run(500);
  bench.playout.clear();
  const left = new Float32Array(QUANTUM);
  bench.playout.read(left, left.slice());
  for (let i = 1; i < left.length; i++)
    assert.ok(Math.abs((left[i] as number) - (left[i - 1] as number)) < 0.2);
});

test('other sample rates are resampled', () => {
  const playout = new Playout({ outputRate: RATE });
  const wave = Float32Array.from({ length: 8_000 }, (_, i) => Math.sin((i / 32_000) * 2 * Math.PI * 440));
  playout.push({ pts: mediaMs(0), sampleRate: 32_000, planes: [wave.subarray(0, 4_000)] });
  playout.push({ pts: mediaMs(125), sampleRate: 32_000, planes: [wave.subarray(4_000)] });
  const out = new Float32Array(9_600);
  playout.read(out, out.slice());
  for (let i = 1_000; i < 9_500; i++) {
    const expected = Math.sin((i / RATE) * 2 * Math.PI * 440);
    assert.ok(Math.abs((out[i] as number) - expected) < 0.002, `${i}: ${out[i]} instead of ${expected}`);
  }
});
