import { type Clock, millis, type Timer } from '@perch/runtime';
import type { MediaMs } from './media-time.ts';

/** One unit of timed data that waits for its time. */
export interface TimedUnit {
  readonly pts: MediaMs;
  readonly bytes: Uint8Array;
}

export interface DataScheduleOptions<U extends TimedUnit> {
  readonly clock: Clock;
  /** What is seen (without pictures: heard) now; undefined where nothing plays: then a unit is told as it comes. */
  mediaNow(): MediaMs | undefined;
  tell(unit: U): void;
}

/** More than this is not held: the oldest are told before their time. */
const MOST_UNITS = 256;
const MOST_BYTES = 1024 * 1024;
/** A unit is never held longer than this: where nothing moves for so long, nothing is in time. */
const LONGEST_HOLD_MS = 2_000;
/** How often the time is looked at while something waits and no picture brings it. */
const LOOK_EVERY = millis(20);

/** Tells each unit of timed data when the picture of its time is shown, in the order of their times. */
export class DataSchedule<U extends TimedUnit> {
  readonly #options: DataScheduleOptions<U>;
  #held: { readonly unit: U; readonly since: number }[] = [];
  #bytes = 0;
  #timer: Timer | undefined;

  constructor(options: DataScheduleOptions<U>) {
    this.#options = options;
  }

  /** A unit came. It is told now if its time has come. */
  push(unit: U): void {
    const at = this.#held.findLastIndex((one) => one.unit.pts <= unit.pts) + 1;
    this.#held.splice(at, 0, { unit, since: this.#options.clock.now() });
    this.#bytes += unit.bytes.length;
    while (this.#held.length > MOST_UNITS || this.#bytes > MOST_BYTES) this.#tellFirst();
    this.run();
  }

  /** Tells what is due. To be called when a picture was shown. */
  run(): void {
    const { clock, mediaNow } = this.#options;
    const media = mediaNow();
    const now = clock.now();
    for (let first = this.#held[0]; first; first = this.#held[0]) {
      const isDue = media === undefined || first.unit.pts <= media || now - first.since >= LONGEST_HOLD_MS;
      if (!isDue) break;
      this.#tellFirst();
    }
    if (this.#held.length === 0) this.#stop();
    else this.#timer ??= clock.every(LOOK_EVERY, () => this.run());
  }

  /** Forgets what is held. */
  clear(): void {
    this.#stop();
    this.#held = [];
    this.#bytes = 0;
  }

  #tellFirst(): void {
    const first = this.#held.shift();
    if (!first) return;
    this.#bytes -= first.unit.bytes.length;
    this.#options.tell(first.unit);
  }

  #stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
