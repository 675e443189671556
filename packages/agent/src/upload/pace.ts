import { type Clock, type Millis, millis } from '@perch/runtime';

/** How fast captures may leave. */
export interface PaceOptions {
  readonly clock: Clock;
  /** Bytes per second. Default: no limit. */
  readonly mostPerSecond?: number;
  /** How long live video that leaves by the same line waits, in ms; 0 where none does. */
  readonly liveDelay?: () => number;
}

/** Live video that waits longer than this has the line to itself, nearly. In ms. */
const LIVE_WAITS = 150;
/** How often live video is looked at. In ms. */
const LOOK = 200;
/** What is always left to captures: 16 KiB/s, so that an upload never stands still. */
const LEAST_PER_SECOND = 16 * 1024;
/** Each look without waiting video gives so much more. */
const GROWTH = 1.25;
/** So much may leave at once after a pause, in ms of the rate. */
const BURST = 250;

/**
 * Says when the next bytes may leave: never faster than the limit, and slower as soon as live video waits; then it
 * feels its way up again. A token bucket whose rate halves and grows.
 */
export class Pace {
  readonly #options: PaceOptions;
  readonly #limit: number;
  /** Bytes per second now; infinite while nothing holds it. */
  #rate: number;
  #tokens = 0;
  #filledAt: Millis;
  #lookedAt: Millis;
  /** Bytes since the last look, to know what halving means where there was no limit. */
  #lately = 0;

  constructor(options: PaceOptions) {
    this.#options = options;
    this.#limit = options.mostPerSecond ?? Number.POSITIVE_INFINITY;
    this.#rate = this.#limit;
    this.#filledAt = options.clock.now();
    this.#lookedAt = this.#filledAt;
  }

  /** Bytes per second that it allows now. */
  get rate(): number {
    return this.#rate;
  }

  /** How long to wait before `bytes` may leave; 0 means now, and takes them off. */
  wait(bytes: number): Millis {
    const now = this.#options.clock.now();
    this.#look(now);
    if (this.#rate === Number.POSITIVE_INFINITY) {
      this.#lately += bytes;
      return millis(0);
    }
    // One part may be larger than what leaves at once: it then leaves the bucket in debt.
    const most = (this.#rate * BURST) / 1000;
    this.#tokens = Math.min(most, this.#tokens + (this.#rate * (now - this.#filledAt)) / 1000);
    this.#filledAt = now;
    if (this.#tokens <= 0) return millis(Math.max(1, Math.ceil((-this.#tokens * 1000) / this.#rate)));
    this.#tokens -= bytes;
    this.#lately += bytes;
    return millis(0);
  }

  #look(now: Millis): void {
    const since = now - this.#lookedAt;
    if (since < LOOK) return;
    const measured = (this.#lately * 1000) / since;
    this.#lookedAt = now;
    this.#lately = 0;
    if ((this.#options.liveDelay?.() ?? 0) > LIVE_WAITS) {
      this.#rate = Math.max(LEAST_PER_SECOND, Math.min(this.#rate, measured) / 2);
      return;
    }
    if (this.#rate >= this.#limit) return;
    this.#rate = Math.min(this.#limit, this.#rate * GROWTH);
    // Far above what the line gives, it is no limit any more.
    if (this.#limit === Number.POSITIVE_INFINITY && this.#rate > 8 * (measured + LEAST_PER_SECOND))
      this.#rate = this.#limit;
  }
}
