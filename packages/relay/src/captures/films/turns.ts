/** Of what is gone through, so many steps take a few ms at most. */
export const STEPS = 2_500;

/** Lets others, live pictures above all, get their turn while many things are gone through. */
export class Turns {
  #left = STEPS;

  /** Counts a step. @returns whether that was the last of this turn: then {@link pass} is to be waited for. */
  isOver(): boolean {
    return --this.#left <= 0;
  }

  /** Resolves when all others had theirs. */
  async pass(): Promise<void> {
    this.#left = STEPS;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
