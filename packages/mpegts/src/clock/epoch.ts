import { TICKS_WRAP, type Ticks90k, ticks90k } from '../time.ts';
import { Anchor } from './anchor.ts';

/** A time stamp this far from where it should be does not belong to the same run of the clock. */
const JUMP = 90_000;
/** With discontinuity_indicator less is enough. */
const ANNOUNCED_JUMP = 0.2 * 90_000;

/** The distance from one 33-bit value to another, the short way round. */
export const distance = (from: number, to: number): number => {
  const delta = (((to - from) % TICKS_WRAP) + TICKS_WRAP) % TICKS_WRAP;
  return delta < TICKS_WRAP / 2 ? delta : delta - TICKS_WRAP;
};

/** Whether a step of time stamps is a jump, when so much time passed between the arrivals. All in ticks of 90 kHz. */
export const isJump = (step: number, passed: number, announced: boolean): boolean => {
  const most = announced ? ANNOUNCED_JUMP : JUMP;
  // Forward it is none where as much time has passed: the camera was paused, or packets were lost.
  return step < -most || (step > most && step - passed > most);
};

/** One run of an encoder's clock: from where its time stamps begin to where they jump. */
export class Epoch {
  /** What its time stamps lack to the agent's time. Another track to find it from begins another. */
  anchor = new Anchor(0);
  #latest: Ticks90k;
  #latestAt: number;

  /** `raw`: the 33-bit time stamp with which it begins, which came at `now`. */
  constructor(raw: number, now: Ticks90k) {
    this.#latest = ticks90k(raw);
    this.#latestAt = now;
  }

  /** The unwrapped time that a 33-bit value stands for. */
  near(raw: number): Ticks90k {
    return ticks90k(this.#latest + distance(this.#latest, raw));
  }

  /** Whether a time stamp that comes now can be of this run: sound and picture of one program are never far apart. */
  fits(raw: number, now: Ticks90k): boolean {
    const expected = this.#latest + (now - this.#latestAt);
    const time = this.near(raw);
    return Math.abs(time - expected) <= 5 * JUMP || Math.abs(time - this.#latest) <= 5 * JUMP;
  }

  /** A unit of this run came. */
  advance(ticks: Ticks90k, now: Ticks90k): void {
    if (ticks <= this.#latest) return;
    this.#latest = ticks;
    this.#latestAt = now;
  }
}
