import type { Millis } from '@perch/runtime';

/** Largest message that a PES packet of bounded length carries with some room for its header. */
const MESSAGE_BYTES = 60_000;
/** So much in the long run, and at once. Measurements are small; what is larger is no data beside a picture. */
const BYTES_PER_SECOND = 128 * 1024;

/** Bounds what a feed's foreign messages may take of a stream: a bucket that fills once a second. */
export class DataBudget {
  #left = BYTES_PER_SECOND;
  #at: Millis | undefined;
  #tooLarge = 0;
  #tooMany = 0;

  /** Whether a message of so many bytes may go. One that may not is counted. */
  admits(bytes: number, now: Millis): boolean {
    this.#fill(now);
    if (bytes > MESSAGE_BYTES) this.#tooLarge++;
    else if (bytes > this.#left) this.#tooMany++;
    else {
      this.#left -= bytes;
      return true;
    }
    return false;
  }

  /** What did not go, in words; empty when all did. */
  get oddities(): readonly string[] {
    const oddities: string[] = [];
    if (this.#tooLarge > 0)
      oddities.push(`data messages left out, larger than ${MESSAGE_BYTES} bytes: ${this.#tooLarge}`);
    if (this.#tooMany > 0)
      oddities.push(`data messages left out, over ${BYTES_PER_SECOND} bytes a second: ${this.#tooMany}`);
    return oddities;
  }

  #fill(now: Millis): void {
    const passed = now - (this.#at ?? now);
    this.#left = Math.min(BYTES_PER_SECOND, this.#left + (passed * BYTES_PER_SECOND) / 1000);
    this.#at = now;
  }
}
