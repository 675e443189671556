/** A small gray picture as the detector sees it: `pixels` row by row, {@link PICTURE} large. */
export interface Picture {
  readonly pixels: Uint8Array;
  /** When it was taken, in ms; only distances count. */
  readonly at: number;
}

/** How large the detector's pictures are, whatever the camera's: enough for a cat, and little work. In pixels. */
export const PICTURE = { width: 160, height: 90, pixels: 160 * 90 } as const;

/** Pixels are looked at by blocks of so many in a square, since one alone says little. */
const BLOCK = 5;

/** How the picture falls into blocks. */
export const BLOCKS = {
  columns: PICTURE.width / BLOCK,
  rows: PICTURE.height / BLOCK,
  count: (PICTURE.width / BLOCK) * (PICTURE.height / BLOCK),
  /** Pixels of one block. */
  pixels: BLOCK * BLOCK,
} as const;

/** The block of each pixel. */
export const blockOf: Uint16Array = Uint16Array.from({ length: PICTURE.pixels }, (_, pixel) => {
  const [x, y] = [pixel % PICTURE.width, Math.floor(pixel / PICTURE.width)];
  return Math.floor(y / BLOCK) * BLOCKS.columns + Math.floor(x / BLOCK);
});

/** The mean of each block. @param into one for each block; overwritten. */
export function blockMeans(pixels: Uint8Array | Float32Array, into: Float32Array): void {
  into.fill(0);
  for (let pixel = 0; pixel < PICTURE.pixels; pixel++) {
    into[blockOf[pixel] as number] = (into[blockOf[pixel] as number] as number) + (pixels[pixel] as number);
  }
  for (let block = 0; block < BLOCKS.count; block++) into[block] = (into[block] as number) / BLOCKS.pixels;
}
