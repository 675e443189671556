import { type Clock, type Millis, millis } from '@perch/runtime';

export interface BucketSize {
  /** So many may come at once. */
  readonly burst: number;
  /** And then one each so often. */
  readonly period: Millis;
}

/** So many keys are told apart; those of further ones share a bucket. */
const MOST_KEYS = 10_000;
const MANY = Symbol('many');

/**
 * Token buckets by key, as the generic cell rate algorithm (ITU-T I.371 Annex A): of each key one number is kept, the
 * time at which its bucket will be full again. Full ones are forgotten, so there are never more than {@link MOST_KEYS}
 * in memory; somebody with very many keys shares one bucket with others who come then, and drives nobody's out.
 */
export class TokenBuckets {
  readonly #size: BucketSize;
  readonly #clock: Clock;
  readonly #mostKeys: number;
  /** In the order of their last use: whoever is full again stands before whoever is not. */
  readonly #fullAt = new Map<string | symbol, number>();

  constructor(options: BucketSize & { readonly clock: Clock; readonly mostKeys?: number }) {
    this.#size = { burst: options.burst, period: options.period };
    this.#clock = options.clock;
    this.#mostKeys = options.mostKeys ?? MOST_KEYS;
  }

  /** How many keys are remembered. */
  get size(): number {
    return this.#fullAt.size;
  }

  /** Takes one. @returns 0, or how long until there is one: then nothing was taken. */
  take(key: string): Millis {
    // Whole, so that sums and differences are exact.
    const now = Math.floor(this.#clock.now());
    this.#forgetFull(now);
    const isNew = !this.#fullAt.has(key);
    const own = isNew && this.#fullAt.size >= this.#mostKeys ? MANY : key;
    const { burst, period } = this.#size;
    const fullAt = Math.max(this.#fullAt.get(own) ?? now, now) + period;
    const wait = fullAt - burst * period - now;
    if (wait > 0) return millis(wait);
    this.#fullAt.delete(own);
    this.#fullAt.set(own, fullAt);
    return millis(0);
  }

  #forgetFull(now: number): void {
    for (const [key, fullAt] of this.#fullAt) {
      if (fullAt > now) return;
      this.#fullAt.delete(key);
    }
  }
}
