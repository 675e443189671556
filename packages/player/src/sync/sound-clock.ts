import type { Millis } from '@perch/runtime';
import { type MediaMs, mediaMs } from './media-time.ts';

/** A report older than this says nothing about now. */
const STALE_MS = 200;
/** Further off than this, the sound has jumped; nearer, it is a late report or drift. */
const JUMP_MS = 80;
/** Which part of a lag is believed at once. Reports are delayed, never early. */
const BELIEF = 0.05;

/**
 * What is being heard now, from reports that come a few milliseconds late and at uneven times. The least delayed
 * report counts: one that says "further than you thought" is believed, one that says "not so far" only slowly.
 */
export class SoundClock {
  #at = 0;
  #position = 0;
  #rate = 1;
  #known = false;

  /** The sound handed out at `now` was `position`, and moves at `rate`; undefined where nothing plays. */
  report(now: Millis, position: MediaMs | undefined, rate: number): void {
    if (position === undefined) {
      this.#known = false;
      return;
    }
    const predicted = this.#position + (now - this.#at) * this.#rate;
    const error = position - predicted;
    const jumped = !this.#known || Math.abs(error) > JUMP_MS;
    this.#position = jumped || error > 0 ? position : predicted + error * BELIEF;
    this.#at = now;
    this.#rate = rate;
    this.#known = true;
  }

  /** The presentation time that the output takes at `now`, or undefined where no sound plays. */
  at(now: Millis): MediaMs | undefined {
    if (!this.#known || now - this.#at > STALE_MS) return undefined;
    return mediaMs(this.#position + (now - this.#at) * this.#rate);
  }

  clear(): void {
    this.#known = false;
  }
}
