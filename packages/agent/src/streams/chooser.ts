import type { Millis } from '@perch/runtime';

/** How a stream's way out stands: the worst of its destinations. */
export interface Pressure {
  /** How old the oldest byte is that waits or is unconfirmed, in ms. */
  readonly delayMs: number;
  /** Left out so far; counts up. */
  readonly droppedMessages: number;
}

/** What waits for less than this is on its way; what waits for more is in the way. */
const CLEAN_DELAY_MS = 300;
const FULL_DELAY_MS = 800;
/** A change shows its effect after so long: the new pictures must begin, the old ones must drain. */
const SETTLE_MS = 3_000;
/** So long the way must be clean before more is tried; doubled after each try that failed. */
const UP_AFTER_MS = 10_000;
const UP_AFTER_MOST_MS = 320_000;
/** A try that has held for so long was right. */
const PROVEN_MS = 30_000;

/**
 * Chooses one of several alternatives, the best first, by how the way out stands. It goes down as soon as the way is
 * full, and up after the way was clean for a while: for longer, the more often going up was wrong.
 */
export class Chooser {
  readonly #count: number;
  #chosen = 0;
  #changedAt: Millis | undefined;
  #cleanSince: Millis | undefined;
  #upAfter = UP_AFTER_MS;
  /** When it last went up, while it is not known whether that was right. */
  #triedAt: Millis | undefined;
  #last: Pressure | undefined;

  /** @param count how many alternatives there are, 1 or more. */
  constructor(count: number) {
    this.#count = count;
  }

  /** Which is on: 0 is the best. */
  get chosen(): number {
    return this.#chosen;
  }

  /**
   * Looks at the way out; to be called twice a second or so.
   *
   * @param pressure undefined while nobody is being sent to: then nothing is known and nothing changes.
   * @returns which is on from now on.
   */
  look(pressure: Pressure | undefined, now: Millis): number {
    const before = this.#last;
    this.#last = pressure;
    if (!pressure) this.#cleanSince = undefined;
    else if (isFull(pressure, before)) this.#down(now);
    else if (pressure.delayMs > CLEAN_DELAY_MS) this.#cleanSince = undefined;
    else this.#clean(now);
    return this.#chosen;
  }

  #down(now: Millis): void {
    this.#cleanSince = undefined;
    if (this.#chosen === this.#count - 1 || this.#isSettling(now)) return;
    if (this.#triedAt !== undefined) this.#upAfter = Math.min(this.#upAfter * 2, UP_AFTER_MOST_MS);
    this.#change(this.#chosen + 1, now);
    this.#triedAt = undefined;
  }

  #clean(now: Millis): void {
    this.#cleanSince ??= now;
    if (this.#triedAt !== undefined && now - this.#triedAt >= PROVEN_MS) {
      this.#triedAt = undefined;
      this.#upAfter = UP_AFTER_MS;
    }
    if (this.#chosen === 0 || now - this.#cleanSince < this.#upAfter) return;
    this.#change(this.#chosen - 1, now);
    this.#triedAt = now;
  }

  #change(to: number, now: Millis): void {
    this.#chosen = to;
    this.#changedAt = now;
    this.#cleanSince = undefined;
  }

  #isSettling(now: Millis): boolean {
    return this.#changedAt !== undefined && now - this.#changedAt < SETTLE_MS;
  }
}

/** Something was left out, or what waits is old and grows older. */
function isFull(now: Pressure, before: Pressure | undefined): boolean {
  if (before && now.droppedMessages > before.droppedMessages) return true;
  return now.delayMs >= FULL_DELAY_MS && now.delayMs >= (before?.delayMs ?? 0);
}
