import type { Light } from './light.ts';
import { PICTURE } from './picture.ts';

const { width, height, pixels: COUNT } = PICTURE;

/** By how many pixels a picture is off its place: what is at `x` in it was at `x + shift.x`. */
export interface Shift {
  readonly x: number;
  readonly y: number;
}

export const NO_SHIFT: Shift = { x: 0, y: 0 };

/** As far as is looked. A small picture's pixel is several of the camera's. */
const MOST = 3;
/** Every so many pixels, in a row and in a column, one is looked at. */
const STEP = 3;
/** A shift counts where it leaves at most such a part of the difference: things that move leave most of it. */
const CLEAR = 0.6;

/** The shift that explains best how a picture differs from the background, or none where none explains it well. */
export function findShift(pixels: Uint8Array, background: Float32Array, light: Light): Shift {
  const still = difference(pixels, background, light, NO_SHIFT);
  let [best, least] = [NO_SHIFT, CLEAR * still];
  for (let y = -MOST; y <= MOST; y++) {
    for (let x = -MOST; x <= MOST; x++) {
      const left = difference(pixels, background, light, { x, y });
      if (left < least) [best, least] = [{ x, y }, left];
    }
  }
  return best;
}

function difference(pixels: Uint8Array, background: Float32Array, light: Light, { x, y }: Shift): number {
  const { gain, offset } = light;
  let sum = 0;
  for (let row = MOST; row < height - MOST; row += STEP) {
    for (let at = row * width + MOST; at < (row + 1) * width - MOST; at += STEP) {
      const was = gain * (background[at + y * width + x] as number) + offset;
      sum += Math.abs((pixels[at] as number) - was);
    }
  }
  return sum;
}

/** A picture put back in its place. What has left it at an edge is as it was. */
export function putBack(pixels: Uint8Array, background: Float32Array, { x, y }: Shift): Uint8Array {
  const back = new Uint8Array(COUNT);
  for (let at = 0; at < COUNT; at++) {
    const column = (at % width) - x;
    const row = Math.floor(at / width) - y;
    const isSeen = column >= 0 && column < width && row >= 0 && row < height;
    back[at] = isSeen ? (pixels[row * width + column] as number) : Math.round(background[at] as number);
  }
  return back;
}
