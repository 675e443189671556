import { performance } from 'node:perf_hooks';

const STEP_MS = 10;
/** A longer step is a machine that stood still. */
const LONGEST_STEP_MS = 50;

/** How long something took while this process, and the relay in it, could work. From `new` until it is disposed. */
export class AwakeTime implements Disposable {
  #ms = 0;
  #last = performance.now();
  readonly #timer = setInterval(() => this.#step(), STEP_MS);

  /** In ms; of any time that the machine stood still only a little counts. */
  get ms(): number {
    this.#step();
    return this.#ms;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #step(): void {
    const now = performance.now();
    this.#ms += Math.min(now - this.#last, LONGEST_STEP_MS);
    this.#last = now;
  }
}
