import { type Millis, millis } from '@perch/runtime';
import type { MediaMs } from '../sync/media-time.ts';

/** Pictures between the demuxer and the screen; more than this and the oldest are forgotten. */
const MOST = 1_000;
/** How much of each new value goes into the figure. */
const WEIGHT = 0.1;
/** Clocks of two machines that differ by more than this are no measure of anything. */
const PLAUSIBLE_MS = 60_000;

/** How old pictures are when they are shown, by the capture times that the relay passes on. */
export class Latency {
  readonly #captured = new Map<number, Millis>();
  #smooth: number | undefined;

  /** A picture with this presentation time was captured at `at`, by the wall clock of its sender. */
  arrived(pts: MediaMs, at: Millis): void {
    this.#captured.set(Math.round(pts), at);
    if (this.#captured.size > MOST) this.#captured.delete(this.#captured.keys().next().value ?? 0);
  }

  /** The picture is on the screen at `now`, by the wall clock of its sender. */
  shown(pts: MediaMs, now: number): void {
    const key = Math.round(pts);
    const at = this.#captured.get(key);
    if (at === undefined) return;
    this.#captured.delete(key);
    const age = now - at;
    if (Math.abs(age) > PLAUSIBLE_MS) return;
    this.#smooth = this.#smooth === undefined ? age : this.#smooth + (age - this.#smooth) * WEIGHT;
  }

  get latency(): Millis | undefined {
    return this.#smooth === undefined ? undefined : millis(Math.max(0, this.#smooth));
  }

  clear(): void {
    this.#captured.clear();
    this.#smooth = undefined;
  }
}
