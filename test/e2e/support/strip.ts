/**
 * A machine-readable clock in a picture: the low 32 bits of the wall clock in ms and an 8-bit check, as 40 black or
 * white cells of 16 × 32 pixels along the upper edge. Survives compression; anything else fails the check.
 */
export const STRIP = { cells: 40, cellWidth: 16, height: 32, width: 640 } as const;

const checkOf = (ms: number): number => ((ms >>> 24) ^ (ms >>> 16) ^ (ms >>> 8) ^ ms ^ 0x5a) & 0xff;

/** Paints the strip into a luma plane that is {@link STRIP}.width wide. */
export function paintStrip(luma: Uint8Array, wallMs: number): void {
  const ms = wallMs >>> 0;
  const check = checkOf(ms);
  for (let cell = 0; cell < STRIP.cells; cell++) {
    const bit = cell < 32 ? (ms >>> (31 - cell)) & 1 : (check >>> (39 - cell)) & 1;
    for (let y = 0; y < STRIP.height; y++) {
      const at = y * STRIP.width + cell * STRIP.cellWidth;
      luma.fill(bit === 1 ? 235 : 16, at, at + STRIP.cellWidth);
    }
  }
}

/**
 * The source of a function `(canvas) => age in ms, or undefined`, for a page: how old the picture on a canvas is. It
 * remembers nothing.
 */
export const readStripInPage = `
(() => {
  const copy = document.createElement('canvas');
  copy.width = ${STRIP.width};
  copy.height = ${STRIP.height};
  const context = copy.getContext('2d', { willReadFrequently: true });
  return (canvas) => {
    if (!canvas || canvas.width !== ${STRIP.width}) return undefined;
    context.drawImage(canvas, 0, 0, ${STRIP.width}, ${STRIP.height}, 0, 0, ${STRIP.width}, ${STRIP.height});
    const row = context.getImageData(0, ${STRIP.height / 2}, ${STRIP.width}, 1).data;
    let ms = 0, check = 0;
    for (let cell = 0; cell < ${STRIP.cells}; cell++) {
      const bit = row[(cell * ${STRIP.cellWidth} + ${STRIP.cellWidth / 2}) * 4] > 128 ? 1 : 0;
      if (cell < 32) ms = ((ms << 1) | bit) >>> 0;
      else check = (check << 1) | bit;
    }
    if ((((ms >>> 24) ^ (ms >>> 16) ^ (ms >>> 8) ^ ms ^ 0x5a) & 0xff) !== check) return undefined;
    const now = performance.timeOrigin + performance.now();
    return { ms, age: now % 4294967296 - ms };
  };
})()`;
