import type { Millis } from '@perch/runtime';

/** So much may be on its way before anything is known, and never less than the least, never more than the most. */
const FIRST_BYTES = 128 * 1024;
const LEAST_BYTES = 32 * 1024;
const MOST_BYTES = 16 * 1024 * 1024;
/** The window is what the line delivers in this many of its shortest ways, and so long besides, in ms. */
const WAYS = 1.5;
const BESIDES = 4;
/** The best rate of the last so many full windows is the line's. */
const SAMPLES = 8;

/**
 * How many bytes may be on their way. What is on its way when a line is cut is sent again, and what waits in the
 * network's queues delays live video; so there is never much more than the line delivers in a moment. A window that is
 * full and comes quickly doubles; on a line that is busy it stays at what the line carries. Pure; `total` counts bytes of
 * the connection.
 */
export class Flight {
  readonly #asked: { readonly total: number; readonly at: Millis; readonly before: number }[] = [];
  readonly #rates: number[] = [];
  #sent = 0;
  #confirmed = 0;
  #window = FIRST_BYTES;
  #shortest = Number.POSITIVE_INFINITY;
  #wasFull = false;

  /** Bytes on their way. */
  get bytes(): number {
    return this.#sent - this.#confirmed;
  }

  get window(): number {
    return this.#window;
  }

  /** Whether `bytes` more may be sent now; something may always be on its way. */
  hasRoom(bytes: number): boolean {
    if (this.bytes === 0 || this.bytes + bytes <= this.#window) return true;
    this.#wasFull = true;
    return false;
  }

  /** So many bytes were sent, and the far end is asked how far it has come. @returns what it is asked: the total. */
  sent(bytes: number, now: Millis): number {
    this.#sent += bytes;
    this.#asked.push({ total: this.#sent, at: now, before: this.#confirmed });
    return this.#sent;
  }

  /** It has read all up to `total`. What was never asked is passed over. */
  confirmed(total: number, now: Millis): void {
    const i = this.#asked.findIndex((asked) => asked.total === total);
    const asked = this.#asked[i];
    if (!asked) return;
    this.#asked.splice(0, i + 1);
    this.#confirmed = total;
    // Less than a clock's tick says nothing of a rate.
    const way = Math.max(0.2, now - asked.at);
    this.#shortest = Math.min(this.#shortest, way);
    // A line that was not kept busy is faster than it looks.
    if (!this.#wasFull) return;
    this.#rates.push((total - asked.before) / way);
    if (this.#rates.length > SAMPLES) this.#rates.shift();
    const window = Math.max(...this.#rates) * (WAYS * this.#shortest + BESIDES);
    this.#window = Math.min(MOST_BYTES, 2 * this.#window, Math.max(LEAST_BYTES, window));
    this.#wasFull = this.bytes + LEAST_BYTES > this.#window;
  }
}
