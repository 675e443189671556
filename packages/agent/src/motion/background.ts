import type { Light } from './light.ts';
import { BLOCKS, blockMeans, blockOf, PICTURE } from './picture.ts';

const { width, pixels: COUNT } = PICTURE;

/**
 * What a picture shows while nothing moves: the running mean of each pixel. A pixel fits it where its value lies among
 * those of its neighbours, so that a camera that shakes by a pixel of the small picture (several of its own) does not
 * look like motion.
 */
export class Background {
  readonly #mean = new Float32Array(COUNT);
  readonly #low = new Float32Array(COUNT);
  readonly #high = new Float32Array(COUNT);
  readonly #rowLow = new Float32Array(COUNT);
  readonly #rowHigh = new Float32Array(COUNT);
  readonly #means = new Float32Array(BLOCKS.count);

  /** The mean of each block. Valid until it learns. */
  get means(): Float32Array {
    return this.#means;
  }

  /** The mean of each pixel. Valid until it learns. */
  get pixels(): Float32Array {
    return this.#mean;
  }

  /** Begins anew with this picture. */
  reset(pixels: Uint8Array): void {
    this.#mean.set(pixels);
    blockMeans(this.#mean, this.#means);
  }

  /**
   * How far each block of a picture is from it: the mean over its pixels, in gray values.
   *
   * @param light how the light has changed since; it is allowed for.
   * @param into one for each block; overwritten.
   */
  compare(pixels: Uint8Array, { gain, offset }: Light, into: Float32Array): void {
    this.#spread();
    into.fill(0);
    for (let pixel = 0; pixel < COUNT; pixel++) {
      const value = pixels[pixel] as number;
      // What would be darker than black or lighter than white is not seen so.
      const low = Math.min(255, gain * (this.#low[pixel] as number) + offset);
      const high = Math.max(0, gain * (this.#high[pixel] as number) + offset);
      const off = value > high ? value - high : value < low ? low - value : 0;
      if (off > 0) into[blockOf[pixel] as number] = (into[blockOf[pixel] as number] as number) + off;
    }
    for (let block = 0; block < BLOCKS.count; block++) into[block] = (into[block] as number) / BLOCKS.pixels;
  }

  /** @param shares for each block what of the new picture is taken over, from 0 to 1. */
  learn(pixels: Uint8Array, shares: Float32Array): void {
    for (let pixel = 0; pixel < COUNT; pixel++) {
      const mean = this.#mean[pixel] as number;
      this.#mean[pixel] =
        mean + (shares[blockOf[pixel] as number] as number) * ((pixels[pixel] as number) - mean);
    }
    blockMeans(this.#mean, this.#means);
  }

  /** For each pixel the least and the most of it and its eight neighbours: first along the rows, then down the columns. */
  #spread(): void {
    const [mean, low, high, rowLow, rowHigh] = [
      this.#mean,
      this.#low,
      this.#high,
      this.#rowLow,
      this.#rowHigh,
    ];
    for (let begin = 0; begin < COUNT; begin += width) {
      const end = begin + width - 1;
      for (let at = begin; at <= end; at++) {
        const own = mean[at] as number;
        const left = mean[at > begin ? at - 1 : at] as number;
        const right = mean[at < end ? at + 1 : at] as number;
        const least = left < right ? left : right;
        const most = left < right ? right : left;
        rowLow[at] = own < least ? own : least;
        rowHigh[at] = own > most ? own : most;
      }
    }
    for (let at = 0; at < COUNT; at++) {
      const above = at >= width ? at - width : at;
      const below = at < COUNT - width ? at + width : at;
      let least = rowLow[at] as number;
      let most = rowHigh[at] as number;
      if ((rowLow[above] as number) < least) least = rowLow[above] as number;
      if ((rowLow[below] as number) < least) least = rowLow[below] as number;
      if ((rowHigh[above] as number) > most) most = rowHigh[above] as number;
      if ((rowHigh[below] as number) > most) most = rowHigh[below] as number;
      low[at] = least;
      high[at] = most;
    }
  }
}
