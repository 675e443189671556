import type { Millis } from '@perch/runtime';

/** So much may be on its way before anything is known, and never less than the least, never more than the most. */
const FIRST_BYTES = 256 * 1024;
const LEAST_BYTES = 16 * 1024;
const MOST_BYTES = 8 * 1024 * 1024;
/** What waits in the network for longer is in the way of what is newer. In ms. */
const LONG_QUEUE = 200;
const SHORT_QUEUE = 100;
/** So much queue is left standing, so that the line never runs empty. In ms. */
const KEPT_QUEUE = 100;
/** An answer that comes so much later than the rate lets expect says that the rate has changed. In ms. */
const LATE = 100;
/** The fastest delivery, the longest and the shortest way are looked for in this last while. In ms. */
const RATE_MEMORY = 2_000;
const LONG_WAY_MEMORY = 4_000;
const WAY_MEMORY = 300_000;

/** What was given to a connection and not confirmed. */
export interface Unconfirmed {
  readonly bytes: number;
  /** Of these, those before the oldest question that is open. */
  readonly asked: number;
  /** For how long its answer has been owed, in ms; 0 where none is. */
  readonly owed: number;
}

/** The extreme of the last while, in two halves. */
class Extreme {
  readonly #memory: number;
  readonly #better: (a: number, b: number) => boolean;
  #since = Number.NEGATIVE_INFINITY;
  #before: number | undefined;
  #value: number | undefined;

  constructor(memory: number, better: (a: number, b: number) => boolean) {
    this.#memory = memory;
    this.#better = better;
  }

  add(value: number, now: Millis): number {
    if (now - this.#since > this.#memory / 2) {
      this.#before = now - this.#since > this.#memory ? undefined : this.#value;
      this.#value = undefined;
      this.#since = now;
    }
    if (this.#value === undefined || this.#better(value, this.#value)) this.#value = value;
    return this.#before !== undefined && this.#better(this.#before, this.#value) ? this.#before : this.#value;
  }
}

/**
 * How many bytes may be on their way over one connection. The kernel takes megabytes for a line that carries kilobytes;
 * what it has taken can be left out no more, and comes seconds late. So no more is given to it than the line delivers in
 * a moment: what confirmations say of rate and delay, and what is said by those that do not come. Pure.
 */
export class FlowWindow {
  readonly #shortestWay = new Extreme(WAY_MEMORY, (a, b) => a < b);
  readonly #longestWay = new Extreme(LONG_WAY_MEMORY, (a, b) => a > b);
  readonly #fastest = new Extreme(RATE_MEMORY, (a, b) => a > b);
  #bytes = FIRST_BYTES;
  #last: { readonly at: Millis; readonly total: number } | undefined;
  #delay = 0;
  #shortest = 0;
  #longest = 0;
  /** Bytes per ms. 0: not known. */
  #rate = 0;

  /** Most bytes to have on the way. */
  get bytes(): number {
    return this.#bytes;
  }

  /** How long what was confirmed last had waited in the network, beyond the shortest way, in ms. */
  get delay(): number {
    return this.#delay;
  }

  /** The longest that something took of late until it was confirmed, in ms. */
  get longest(): number {
    return this.#longest;
  }

  /** Whether the connection is to be given no more now. */
  isFull({ bytes, asked, owed }: Unconfirmed): boolean {
    if (bytes === 0) return false;
    const expected = this.#rate === 0 ? LONG_QUEUE : this.#shortest + asked / this.#rate;
    // The line has got slow, or stands still, since the window was opened.
    if (owed > expected + LATE) return bytes >= LEAST_BYTES;
    // A large message is confirmed as a whole, but read little by little.
    const read = Math.min(asked, Math.max(0, owed - this.#shortest) * this.#rate);
    return bytes - read >= this.#bytes;
  }

  /**
   * A probe was answered.
   *
   * @param probe when it was sent, and how many bytes were before it since the beginning.
   * @param wasFull whether the window kept something back meanwhile.
   */
  confirmed(probe: { readonly at: Millis; readonly total: number }, now: Millis, wasFull: boolean): void {
    const way = now - probe.at;
    this.#shortest = this.#shortestWay.add(way, now);
    this.#longest = this.#longestWay.add(way, now);
    this.#delay = way - this.#shortest;
    const last = this.#last;
    const delivered = probe.total - (last?.total ?? 0);
    const took = last ? now - last.at : way;
    // Two answers in one read say nothing of a rate.
    if (took < 1) return;
    this.#last = { at: now, total: probe.total };
    this.#rate = this.#fastest.add(delivered / took, now);
    if (this.#delay > LONG_QUEUE) {
      this.#set(Math.min(this.#bytes, this.#rate * (this.#shortest + KEPT_QUEUE)));
    } else if (wasFull && this.#delay < SHORT_QUEUE) this.#set(this.#bytes + delivered);
  }

  #set(bytes: number): void {
    this.#bytes = Math.min(MOST_BYTES, Math.max(LEAST_BYTES, bytes));
  }
}
