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

/** A question put into the outgoing bytes; its answer confirms that everything before it was read. */
export interface Probe {
  /** Bytes written before it, since the connection began. */
  readonly total: number;
  /** Unpredictable, so that it can be answered only by reading it. */
  readonly nonce: number;
}

export interface ConfirmationsOptions {
  /** How often to ask, and how often while an answer is late (older than this). */
  readonly period: Millis;
  readonly periodLate: Millis;
  /** Ask also after so many bytes, so that a fast connection is confirmed before its budget is full. */
  readonly everyBytes: number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** At most so many questions are open; each is a few bytes here and on the wire. */
const MOST_OPEN = 64;

/**
 * Knows how far the other side has read: it counts what is written, says when a probe is due and takes the answers.
 * In WebSocket terms a probe is a ping and its answer the pong, which any RFC 6455 peer gives.
 */
export class Confirmations implements OnTheWay {
  readonly #options: ConfirmationsOptions;
  #written = 0;
  #confirmed = 0;
  /** Bytes at the start that are outside the budget, and when they were confirmed. */
  #start = 0;
  #startConfirmedAt = Number.NEGATIVE_INFINITY;
  #open: (Probe & { readonly at: Millis })[] = [];
  #lastProbeAt = Number.NEGATIVE_INFINITY;
  #lastProbeTotal = 0;

  constructor(options: ConfirmationsOptions) {
    this.#options = options;
  }

  /** Bytes written since the connection began. */
  get written(): number {
    return this.#written;
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

  /** Whether a probe should ride with the bytes written next or just now. */
  isDue(now: Millis): boolean {
    if (this.#open.length >= MOST_OPEN) return false;
    if (this.#written - this.#lastProbeTotal >= this.#options.everyBytes) return true;
    const since = now - this.#lastProbeAt;
    if (since >= this.#options.period) return true;
    const oldest = this.#open[0];
    return (
      oldest !== undefined && since >= this.#options.periodLate && now - oldest.at >= this.#options.periodLate
    );
  }

  /** The probe to send now, after everything written so far. */
  probe(now: Millis): Probe {
    const probe = { total: this.#written, nonce: (this.#options.random() * 2 ** 32) >>> 0, at: now };
    this.#open.push(probe);
    this.#lastProbeAt = now;
    this.#lastProbeTotal = this.#written;
    return probe;
  }

  /** Takes an answer. One to no open probe changes nothing; one probe's answer confirms those before it too. */
  answer(probe: Probe, now: Millis): boolean {
    const index = this.#open.findIndex((p) => p.total === probe.total && p.nonce === probe.nonce);
    if (index < 0) return false;
    if (this.#confirmed < this.#start && probe.total >= this.#start) this.#startConfirmedAt = now;
    this.#confirmed = probe.total;
    this.#open = this.#open.slice(index + 1);
    return true;
  }
}
