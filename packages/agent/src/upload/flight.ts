import type { Millis } from '@perch/runtime';

/** So much may be on its way before anything is known, and never less than the least, never more than the most. */
const FIRST_BYTES = 256 * 1024;
const LEAST_BYTES = 32 * 1024;
const MOST_BYTES = 16 * 1024 * 1024;
/** What takes so much longer than the shortest way waits in a queue somewhere. In ms. */
const QUEUED = 60;
/** Beyond so much queue the window shrinks at once. In ms. */
const QUEUED_LONG = 250;

/**
 * How many bytes may be on their way. What is on its way when a line is cut is sent again, and what waits in the
 * network's queues delays live video; so there is never much more than the line delivers in a moment. It grows while
 * all comes quickly, and shrinks while things wait. Pure; `total` counts bytes of the connection.
 */
export class Flight {
  readonly #asked: { readonly total: number; readonly at: Millis }[] = [];
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
    this.#asked.push({ total: this.#sent, at: now });
    return this.#sent;
  }

  /** It has read all up to `total`. What was never asked is passed over. */
  confirmed(total: number, now: Millis): void {
    const i = this.#asked.findIndex((asked) => asked.total === total);
    if (i < 0) return;
    const { at } = this.#asked[i] as { at: Millis };
    this.#asked.splice(0, i + 1);
    const delivered = total - this.#confirmed;
    this.#confirmed = total;
    const way = now - at;
    this.#shortest = Math.min(this.#shortest, way);
    const queued = way - this.#shortest;
    if (queued > QUEUED_LONG) this.#set(this.#window / 2);
    else if (queued > QUEUED) this.#set(this.#window - delivered / 8);
    else if (this.#wasFull) this.#set(this.#window + delivered);
    this.#wasFull = false;
  }

  #set(bytes: number): void {
    this.#window = Math.min(MOST_BYTES, Math.max(LEAST_BYTES, bytes));
  }
}
