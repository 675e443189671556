import { TRACK_PLACES } from './feed-program.ts';

const FIRST_PID = 0x100;
/** 128 slots of 16 PIDs end at 0x8ff. */
const SLOTS = 128;

/** Gives each feed PIDs of its own, and gives it the same ones when it comes back. */
export class PidSlots {
  /** Which feed a slot is or was of. */
  readonly #owners: (string | undefined)[] = new Array(SLOTS).fill(undefined);
  readonly #used = new Set<number>();
  /** When a slot was given back, to reuse the one that was longest free. */
  readonly #freed = new Float64Array(SLOTS);
  #count = 0;

  /** The first of 16 PIDs, or undefined if all are in use. */
  take(feed: string): number | undefined {
    let best = -1;
    for (let slot = 0; slot < SLOTS; slot++) {
      if (this.#used.has(slot)) continue;
      if (this.#owners[slot] === feed) {
        best = slot;
        break;
      }
      if (best < 0 || (this.#freed[slot] as number) < (this.#freed[best] as number)) best = slot;
    }
    if (best < 0) return undefined;
    this.#owners[best] = feed;
    this.#used.add(best);
    return FIRST_PID + best * TRACK_PLACES;
  }

  release(firstPid: number): void {
    const slot = (firstPid - FIRST_PID) / TRACK_PLACES;
    this.#used.delete(slot);
    this.#freed[slot] = ++this.#count;
  }
}
