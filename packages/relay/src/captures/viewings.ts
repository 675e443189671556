import { type Clock, millis } from '@perch/runtime';

/** A player asks again and again for the same film; within this time that is one viewing. */
const PERIOD = millis(600_000);
const MOST_KNOWN = 10_000;

/** Tells a new viewing from a player that goes on. */
export class Viewings {
  readonly #clock: Clock;
  /** Who sees what → when he asked last, in that order. */
  readonly #seen = new Map<string, number>();

  constructor({ clock }: { clock: Clock }) {
    this.#clock = clock;
  }

  /** Whether this is the first time for a while. */
  isNew(who: string, capture: string): boolean {
    const key = `${who} ${capture}`;
    const now = this.#clock.now();
    const last = this.#seen.get(key);
    this.#seen.delete(key);
    this.#seen.set(key, now);
    const [oldest] = this.#seen.keys();
    if (this.#seen.size > MOST_KNOWN && oldest !== undefined) this.#seen.delete(oldest);
    return last === undefined || now - last >= PERIOD;
  }
}
