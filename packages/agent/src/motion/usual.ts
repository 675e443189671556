/** What is usual for each block: the running mean of a measure, and how far it strays from that. In gray values. */
export class Usual {
  readonly #mean: Float32Array;
  readonly #stray: Float32Array;

  /** @param blocks how many there are. */
  constructor(blocks: number) {
    this.#mean = new Float32Array(blocks);
    this.#stray = new Float32Array(blocks);
  }

  /** Whether a value is above what is usual by more than `least`, and by more than `times` what it strays. */
  isExceeded(block: number, value: number, least: number, times: number): boolean {
    const excess = value - (this.#mean[block] as number);
    return excess > least && excess > times * (this.#stray[block] as number);
  }

  /**
   * @param share what of the new value is taken over, from 0 (nothing is learned) to 1 (nothing is kept).
   * @param most a value further from the mean counts as so far from it.
   */
  learn(block: number, value: number, share: number, most: number): void {
    const mean = this.#mean[block] as number;
    const distance = Math.max(-most, Math.min(most, value - mean));
    const stray = this.#stray[block] as number;
    this.#mean[block] = mean + share * distance;
    this.#stray[block] = stray + share * (Math.abs(distance) - stray);
  }

  /** The first values are all that is known. */
  reset(): void {
    this.#mean.fill(0);
    this.#stray.fill(0);
  }
}
