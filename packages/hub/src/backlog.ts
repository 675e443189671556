import type { Millis } from '@perch/runtime';

/** What a taker's transport has accepted and the other side has not confirmed. */
export interface OnTheWay {
  /** Bytes that count against the budget. */
  readonly bytes: number;
  /** All unconfirmed bytes. */
  readonly allBytes: number;
  /** For how long the other side has owed a confirmation, 0 if it owes none. */
  age(now: Millis): number;
}

/** When a taker is asked how much it has read. */
export interface ConfirmationsOptions {
  /** How often to ask, and how often while an answer is late (older than this). */
  readonly period: Millis;
  readonly periodLate: Millis;
  /** Ask also after so many bytes, so that a fast connection is confirmed before its budget is full. */
  readonly everyBytes: number;
}

/** How far one may go on writing before a probe is due. */
export interface Leeway {
  readonly bytes: number;
  readonly until: number;
}

/** What an answer says: when it was asked for, and how many bytes were written before that since the beginning. */
export interface Confirmed {
  readonly at: Millis;
  readonly total: number;
}

interface Probe extends Confirmed {
  readonly token: number;
}

/** At most so many questions are open; each is a few bytes here and on the wire. */
const MOST_OPEN = 64;

/**
 * Knows how far the other side has read: it counts what is written, says when a probe is due and takes the answers. A
 * probe is a question put among the outgoing bytes, its answer says that everything before it was read. In WebSocket
 * terms it is a ping, and its answer the pong that any RFC 6455 peer gives.
 */
export class Confirmations implements OnTheWay {
  readonly #options: ConfirmationsOptions;
  #written = 0;
  #confirmed = 0;
  /** Bytes at the start that are outside the budget, and when they were confirmed. */
  #start = 0;
  #startConfirmedAt = Number.NEGATIVE_INFINITY;
  #open: readonly Probe[] = [];
  #lastProbeAt = Number.NEGATIVE_INFINITY;
  #lastProbeTotal = 0;

  constructor(options: ConfirmationsOptions) {
    this.#options = options;
  }

  /** Bytes written since the connection began. */
  get written(): number {
    return this.#written;
  }

  /** Of these, bytes that the other side has read. */
  get confirmed(): number {
    return this.#confirmed;
  }

  get bytes(): number {
    return this.#written - Math.max(this.#confirmed, this.#start);
  }

  get allBytes(): number {
    return this.#written - this.#confirmed;
  }

  /** When the oldest open probe was sent, if one is open. */
  get openSince(): Millis | undefined {
    return this.#open[0]?.at;
  }

  /** Unconfirmed bytes before the oldest open probe. */
  get openBytes(): number {
    return (this.#open[0]?.total ?? this.#confirmed) - this.#confirmed;
  }

  age(now: Millis): number {
    const oldest = this.#open[0];
    if (!oldest || this.#confirmed < this.#start) return 0;
    return now - Math.max(oldest.at, this.#startConfirmedAt);
  }

  /** Counts the start group, which is outside the budget. Only before anything else was written. */
  wroteStart(bytes: number): void {
    this.#written += bytes;
    this.#start = this.#written;
  }

  wrote(bytes: number): void {
    this.#written += bytes;
  }

  /** Whether a probe should ride with what was written last. */
  isDue(now: Millis): boolean {
    const { bytes, until } = this.leeway();
    return bytes <= 0 || now >= until;
  }

  /** How far it is to the next probe. */
  leeway(): Leeway {
    if (this.#open.length >= MOST_OPEN) {
      return { bytes: Number.POSITIVE_INFINITY, until: Number.POSITIVE_INFINITY };
    }
    const { period, periodLate, everyBytes } = this.#options;
    const oldest = this.#open[0];
    const late = oldest ? Math.max(this.#lastProbeAt, oldest.at) + periodLate : Number.POSITIVE_INFINITY;
    return {
      bytes: everyBytes - (this.#written - this.#lastProbeTotal),
      until: Math.min(this.#lastProbeAt + period, late),
    };
  }

  /**
   * Notes that a probe goes out now, after everything written so far.
   *
   * @param token tells its answer; unpredictable, so that one can give it only by reading.
   */
  probe(token: number, now: Millis): void {
    this.#open = [...this.#open, { token, total: this.#written, at: now }];
    this.#lastProbeAt = now;
    this.#lastProbeTotal = this.#written;
  }

  /**
   * Takes an answer; one probe's answer confirms those before it too.
   *
   * @returns `undefined` where it answers no open probe; then nothing has changed.
   */
  answer(token: number, now: Millis): Confirmed | undefined {
    const index = this.#open.findIndex((probe) => probe.token === token);
    const probe = this.#open[index];
    if (!probe) return undefined;
    if (this.#confirmed < this.#start && probe.total >= this.#start) this.#startConfirmedAt = now;
    this.#confirmed = probe.total;
    this.#open = this.#open.slice(index + 1);
    return probe;
  }
}
