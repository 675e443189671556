import { type Clock, type Millis, millis, type Timer } from '@perch/runtime';
import type { CatchUp } from './catch-up.ts';
import type { MediaMs } from './media-time.ts';

/** A decoded picture. Whoever holds it closes it. */
export interface Frame {
  readonly pts: MediaMs;
  close(): void;
}

export interface PictureScheduleOptions<F extends Frame> {
  readonly clock: Clock;
  readonly catchUp: CatchUp;
  /** What is heard now, or undefined where no sound plays: then a frame is shown as soon as it comes. */
  soundNow(): MediaMs | undefined;
  /** Shows the frame and closes it. */
  show(frame: F): void;
}

/**
 * A picture may be seen so much before its sound is heard: nobody notices (EBU R 37 allows 60 ms; ITU-R BT.1359-1:
 * noticed from 125 ms), and where sound takes longer to encode, this is how much sooner the picture is there.
 */
const LEAD_MS = 55;
/** Early by less than this is in time: timers are no better. */
const IN_TIME_MS = 3;
/** A picture is never held longer than this for its sound: beyond, the two do not belong together. */
const LONGEST_HOLD_MS = 2_000;
/** Where sound and picture are further apart, one of them is of another source, and neither is late. */
const COMPARABLE_MS = 500;
/** Decoders stop when too many of their pictures are held: with more, the oldest is shown before its time. */
const MOST_HELD = 16;

/** Shows each picture when its sound is heard, the newest when several are due, never one older than is on screen. */
export class PictureSchedule<F extends Frame> {
  readonly #options: PictureScheduleOptions<F>;
  #held: F[] = [];
  /** Decoded out of a burst: the newest such frame, in case nothing newer follows. */
  #candidate: F | undefined;
  #timer: Timer | undefined;
  #dropped = 0;
  #late: number[] = [];

  constructor(options: PictureScheduleOptions<F>) {
    this.#options = options;
  }

  /** Pictures that were not shown, because a newer one was due. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Pictures waiting for their sound. */
  get held(): number {
    return this.#held.length;
  }

  /** A frame came out of the decoder. The schedule shows and closes it. */
  push(frame: F): void {
    this.#candidate?.close();
    this.#candidate = undefined;
    if (!this.#options.catchUp.allows(frame.pts, this.#options.clock.now())) {
      // Not a drop: these are the past, which a new viewer never asked for.
      this.#candidate = frame;
      this.#arm(this.#options.catchUp.retryIn);
      return;
    }
    const sound = this.#options.soundNow();
    if (sound !== undefined && Math.abs(sound - frame.pts) < COMPARABLE_MS) {
      if (this.#late.length < 512) this.#late.push(sound - frame.pts);
    }
    this.#held.push(frame);
    if (this.#held.length > MOST_HELD) this.#showUpTo(0);
    else this.#run();
  }

  /**
   * How late, in ms, nine of ten pictures came after their sound since this was asked last, negative where they were
   * early; undefined where there was nothing to compare.
   */
  takeLateness(): number | undefined {
    const late = this.#late.sort((a, b) => a - b);
    this.#late = [];
    return late[Math.floor(late.length * 0.9)];
  }

  /** Forgets what is held. */
  clear(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    for (const frame of this.#held) frame.close();
    this.#held = [];
    this.#candidate?.close();
    this.#candidate = undefined;
  }

  #run(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const candidate = this.#candidate;
    if (candidate) {
      this.#candidate = undefined;
      this.push(candidate);
      return;
    }
    const sound = this.#options.soundNow();
    let due = -1;
    let wait: number | undefined;
    for (const [i, frame] of this.#held.entries()) {
      const early = sound === undefined ? 0 : frame.pts - sound;
      if (early > LEAD_MS + IN_TIME_MS && early <= LONGEST_HOLD_MS) {
        wait = early;
        break;
      }
      due = i;
    }
    if (due >= 0) this.#showUpTo(due);
    if (wait !== undefined) this.#arm(millis(Math.max(1, wait - LEAD_MS)));
  }

  /** Shows the frame at `index`, which replaces all before it. */
  #showUpTo(index: number): void {
    const due = this.#held.splice(0, index + 1);
    const frame = due.pop();
    for (const old of due) {
      old.close();
      this.#dropped += 1;
    }
    if (frame) this.#options.show(frame);
  }

  #arm(delay: Millis): void {
    this.#timer?.cancel();
    this.#timer = this.#options.clock.after(delay, () => this.#run());
  }
}
