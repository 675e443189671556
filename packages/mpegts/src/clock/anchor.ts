import type { Ticks90k } from '../time.ts';
import { LowerEnvelope } from './lower-envelope.ts';

/** So long after its begin an anchor moves at once: an encoder's first units come late, or in a burst. */
const SETTLING = 3 * 90_000;
/** Until an encoder has shown how it orders pictures, what it holds back is not known. */
const FIRST_SAMPLES = 5;
/** A burst is squeezed by at most so much, so that each unit still has some time of its own. */
const SQUEEZE = 0.9;
/** While it settles it rises by so much of the time that passes. */
const RISE = 0.02;
/** Later it moves by at most so much of the time that passes: nobody hears or sees 0.5 %. */
const GENTLE = 0.005;
/** Where it is hardly off at all it moves as no clock drifts, so that pictures do not run into one another. */
const QUIET = 0.0005;
const NEAR = 0.014 * 90_000;
/** Where it is more than {@link FAR} off, something has changed for good, and being right is worth 5 %. */
const FIRM = 0.05;
const FAR = 0.05 * 90_000;
/** So much off is left alone: pictures that are exactly as far apart as they were taken are worth more. */
const LOOSE = 0.008 * 90_000;
/** Beyond that it jumps. */
const JUMP = 90_000;
/** Units that were so late for so long do not catch up any more. */
const PATIENCE = 3 * 90_000;

/**
 * What has to be added to a feed's time stamps to get the agent's time: the smallest delay of the last seconds, moved
 * there gently. All in ticks of 90 kHz.
 */
export class Anchor {
  readonly #headStart: number;
  readonly #envelope = new LowerEnvelope();
  #offset: number | undefined;
  #begun = 0;
  #last = 0;
  #samples = 0;
  /** Since when all units have been later than {@link JUMP}. */
  #lateSince: number | undefined;

  /**
   * `headStart`: the first units of an encoder usually come late, by up to so much, because it is just starting. To
   * presume that costs little: if they were not, the offset rises to what is right. If they were and one had not, their
   * times would run into those of the units after them.
   */
  constructor(headStart: number) {
    this.#headStart = headStart;
  }

  /** The offset now; 0 before the first sample. */
  get offset(): number {
    return this.#offset ?? 0;
  }

  /** Whether there was a sample. */
  get set(): boolean {
    return this.#offset !== undefined;
  }

  /** How much faster the feed's clock runs than the agent's, in parts per million; 0 in the first minute. */
  get driftPpm(): number {
    return -this.#envelope.drift * 1e6;
  }

  /** Whether it is so new that it still moves at once. */
  settling(now: Ticks90k): boolean {
    return now - this.#begun < SETTLING;
  }

  /**
   * A unit came at `now`, `delay` after its time stamp and `step` after the unit before, by its time stamp. `held`: so
   * much of the delay is the encoder's own. Returns true where the offset had to jump: the feed sends faster than time
   * passes, or has stood still and does not catch up.
   */
  sample(now: Ticks90k, delay: number, step: number, held: number): boolean {
    this.#envelope.add(now, delay);
    this.#samples++;
    const passed = Math.max(0, now - this.#last);
    this.#last = now;
    if (this.#offset === undefined) {
      this.#offset = delay - held - this.#headStart;
      this.#begun = now;
      return false;
    }
    const error = this.#envelope.lowest(now) - held - this.#offset;
    if (error < -JUMP) {
      this.#offset += error;
      return true;
    }
    if (this.#isLost(now, delay - held - this.#offset)) return this.#restart(now, delay - held);
    if (this.#samples < FIRST_SAMPLES) return false;
    const beyond = error - Math.max(-LOOSE, Math.min(LOOSE, error));
    const most = this.#most(beyond, now, passed, step);
    this.#offset += Math.max(-most, Math.min(most, beyond));
    return false;
  }

  /** How much the offset may move by, where it is off by `error`. */
  #most(error: number, now: Ticks90k, passed: number, step: number): number {
    if (error > 0 && this.settling(now)) return RISE * passed;
    if (Math.abs(error) <= NEAR) return QUIET * passed;
    if (!this.settling(now)) return passed * (Math.abs(error) > FAR ? FIRM : GENTLE);
    return error < -FAR ? SQUEEZE * Math.max(0, step) : FIRM * passed;
  }

  #isLost(now: number, late: number): boolean {
    if (late <= JUMP) this.#lateSince = undefined;
    else this.#lateSince ??= now;
    return this.#lateSince !== undefined && now - this.#lateSince > PATIENCE;
  }

  #restart(now: Ticks90k, offset: number): boolean {
    this.#envelope.restart();
    this.#offset = offset;
    this.#begun = now;
    this.#lateSince = undefined;
    return true;
  }
}
