import { BLOCKS } from './picture.ts';

/** A part of the picture where motion does not count, such as a clock: fractions of width and height, from top left. */
export interface Zone {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** For each block 1 where it counts, 0 where a zone touches it. */
export function watchedBlocks(zones: readonly Zone[]): Uint8Array {
  const { columns, rows, count } = BLOCKS;
  const watched = new Uint8Array(count).fill(1);
  for (const { x, y, width, height } of zones) {
    const [right, bottom] = [Math.min(columns, (x + width) * columns), Math.min(rows, (y + height) * rows)];
    for (let row = Math.floor(y * rows); row < bottom; row++)
      for (let column = Math.floor(x * columns); column < right; column++)
        watched[row * columns + column] = 0;
  }
  return watched;
}
