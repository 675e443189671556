import type { Intervals } from './report.ts';

/** Collects intervals in ticks; holds four numbers. */
export class IntervalMeter {
  readonly #ticksPerMs: number;
  readonly #most: number;
  #last: number | undefined;
  #count = 0;
  #sum = 0;
  #max = 0;
  /** How often the time went back or by more than `most`: such steps are no intervals. */
  jumps = 0;

  constructor(ticksPerMs: number, mostMs = 60_000) {
    this.#ticksPerMs = ticksPerMs;
    this.#most = mostMs * ticksPerMs;
  }

  at(ticks: number): void {
    if (this.#last !== undefined) {
      const step = ticks - this.#last;
      if (step < 0 || step > this.#most) this.jumps++;
      else {
        this.#count++;
        this.#sum += step;
        this.#max = Math.max(this.#max, step);
      }
    }
    this.#last = ticks;
  }

  /** The next time begins anew. */
  restart(): void {
    this.#last = undefined;
  }

  /** All intervals together, in seconds. */
  get seconds(): number {
    return this.#sum / this.#ticksPerMs / 1000;
  }

  get count(): number {
    return this.#count;
  }

  report(): Intervals | undefined {
    if (this.#count === 0) return undefined;
    const round = (ticks: number) => Math.round((ticks / this.#ticksPerMs) * 1000) / 1000;
    return { count: this.#count, meanMs: round(this.#sum / this.#count), maxMs: round(this.#max) };
  }
}
