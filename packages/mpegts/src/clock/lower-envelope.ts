import type { Ticks90k } from '../time.ts';

/** The window is so many buckets of one second. */
const BUCKETS = 10;
const BUCKET = 90_000;
/** So many windows are remembered to find the drift: five minutes. */
const HISTORY = 30;
/** The drift is believed from so many windows on. */
const FEWEST = 4;
/** No clock is worse than that, so a larger slope is something else. Ticks per tick. */
const MOST_DRIFT = 1e-3;

/**
 * The smallest of the values that came in the last ten seconds, and how that smallest value drifts.
 *
 * A value is the delay of one unit: the agent's time of its arrival minus its own time stamp. A network or a busy encoder
 * can only make it larger, never smaller, so the smallest of many is the true distance of the two clocks plus what is
 * always there. Two clocks that do not run at one speed make it slope; the slope is found from the smallest values of
 * minutes and taken out, so that an old value in the window counts as what it would be now.
 */
export class LowerEnvelope {
  /** A ring: the smallest value of each second, when it came, and which second that was. */
  readonly #values = new Float64Array(BUCKETS);
  readonly #times = new Float64Array(BUCKETS);
  readonly #seconds = new Float64Array(BUCKETS).fill(Number.NaN);
  /** The smallest value of each past window, for the slope. */
  readonly #history: { time: number; value: number }[] = [];
  #lowest: { time: number; value: number } | undefined;
  #windowEnd = 0;
  #drift = 0;

  /** How fast the values rise, in ticks per tick: 1e-4 says that the encoder's clock is 100 ppm slow. 0 while unknown. */
  get drift(): number {
    return this.#drift;
  }

  /** A value that came at `now`, on the agent's clock. Time does not run backwards. */
  add(now: Ticks90k, value: number): void {
    this.#remember(now, value);
    const second = Math.floor(now / BUCKET);
    const slot = ((second % BUCKETS) + BUCKETS) % BUCKETS;
    if (this.#seconds[slot] === second && value >= (this.#values[slot] as number)) return;
    this.#seconds[slot] = second;
    this.#values[slot] = value;
    this.#times[slot] = now;
  }

  /** The smallest value of the last ten seconds, drift taken out; Infinity if none came. */
  lowest(now: Ticks90k): number {
    const second = Math.floor(now / BUCKET);
    let lowest = Number.POSITIVE_INFINITY;
    for (let i = 0; i < BUCKETS; i++) {
      const age = second - (this.#seconds[i] as number);
      if (!(age < BUCKETS)) continue;
      const value = (this.#values[i] as number) + this.#drift * (now - (this.#times[i] as number));
      if (value < lowest) lowest = value;
    }
    return lowest;
  }

  /** Forgets all values, as when the clock jumped. */
  restart(): void {
    this.#seconds.fill(Number.NaN);
    this.#history.length = 0;
    this.#lowest = undefined;
    this.#drift = 0;
  }

  #remember(now: number, value: number): void {
    if (this.#lowest && now >= this.#windowEnd) {
      this.#history.push(this.#lowest);
      if (this.#history.length > HISTORY) this.#history.shift();
      this.#lowest = undefined;
      if (this.#history.length >= FEWEST) this.#drift = slope(this.#history);
    }
    if (!this.#lowest) this.#windowEnd = now + BUCKETS * BUCKET;
    if (!this.#lowest || value < this.#lowest.value) this.#lowest = { time: now, value };
  }
}

/** Least squares. */
function slope(points: readonly { readonly time: number; readonly value: number }[]): number {
  let time = 0;
  let value = 0;
  for (const point of points) {
    time += point.time / points.length;
    value += point.value / points.length;
  }
  let above = 0;
  let below = 0;
  for (const point of points) {
    above += (point.time - time) * (point.value - value);
    below += (point.time - time) ** 2;
  }
  if (below === 0) return 0;
  return Math.max(-MOST_DRIFT, Math.min(MOST_DRIFT, above / below));
}
