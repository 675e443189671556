import type { Millis } from '@perch/runtime';

/** Bytes are remembered by the second, for so many whole seconds. */
const SECONDS = 5;

/** Counts messages and bytes, and knows their rate over the last few seconds. Needs no timer. */
export class Meter {
  messages = 0;
  bytes = 0;
  readonly #buckets = new Float64Array(SECONDS + 1);
  #second = 0;
  #first: number | undefined;

  add(bytes: number, now: Millis): void {
    this.messages += 1;
    this.bytes += bytes;
    this.#advance(now);
    const at = this.#second % this.#buckets.length;
    this.#buckets[at] = (this.#buckets[at] as number) + bytes;
  }

  /** Bits per second over the last five whole seconds, or as many as there were. */
  bitRate(now: Millis): number {
    if (this.#first === undefined) return 0;
    this.#advance(now);
    let bytes = 0;
    for (const [i, bucket] of this.#buckets.entries()) {
      if (i !== this.#second % this.#buckets.length) bytes += bucket;
    }
    const whole = Math.min(SECONDS, this.#second - this.#first);
    if (whole > 0) return Math.round((bytes * 8) / whole);
    return Math.round((this.#buckets[this.#second % this.#buckets.length] as number) * 8);
  }

  #advance(now: Millis): void {
    const second = Math.floor(now / 1000);
    this.#first ??= second;
    // A gap longer than the memory clears all of it, however long it was.
    let next = Math.max(this.#second + 1, second - this.#buckets.length + 1);
    for (; next <= second; next++) this.#buckets[next % this.#buckets.length] = 0;
    this.#second = Math.max(this.#second, second);
  }
}
