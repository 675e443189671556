import { PICTURE, type Picture } from '../picture.ts';

const { width, height } = PICTURE;
/** The place is larger than what is seen of it, so that the camera can shake. In pixels on each side. */
const MARGIN = 8;

/** Something in the picture. */
export interface Thing {
  /** Where its upper left corner is at a time in ms; undefined where it is not there. In pixels. */
  where(at: number): { readonly x: number; readonly y: number } | undefined;
  readonly width: number;
  readonly height: number;
  /** Its gray, or how much lighter it is than what it covers. */
  readonly gray: number | { readonly lighter: number };
}

/** What a made-up camera sees. */
export interface SceneOptions {
  readonly seed: number;
  readonly things?: readonly Thing[];
  /** Standard deviation of each pixel's noise, in gray values. Default 3. */
  readonly noise?: number;
  /** What becomes of a gray value at a time, for each pixel: dusk, a lamp. Default: nothing. */
  light?(gray: number, at: number, x: number, y: number): number;
  /** By how many pixels the camera is off its place at a time, at most {@link MARGIN}. Default: not at all. */
  shake?(at: number, random: () => number): { readonly x: number; readonly y: number };
}

/** Numbers in [0, 1) that are the same for the same seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A room of boxes of many grays, with noise, in which things can move: five pictures a second. */
export class Scene {
  readonly #options: SceneOptions;
  readonly #random: () => number;
  readonly #place: Float32Array;

  constructor(options: SceneOptions) {
    this.#options = options;
    this.#random = randomOf(options.seed);
    this.#place = furnish(this.#random);
  }

  /** The pictures from 0 s on, for so long. In ms. */
  *pictures(duration: number): Generator<Picture> {
    for (let at = 0; at < duration; at += 200) yield { at, pixels: this.#take(at) };
  }

  #take(at: number): Uint8Array {
    const { things = [], noise = 3, light, shake } = this.#options;
    const off = shake?.(at, this.#random) ?? { x: 0, y: 0 };
    const seen = things.flatMap((thing) => {
      const place = thing.where(at);
      return place ? [{ ...thing, ...place }] : [];
    });
    const pixels = new Uint8Array(PICTURE.pixels);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        let gray = this.#at(x + off.x, y + off.y);
        for (const thing of seen) gray = covered(gray, thing, x, y);
        if (light) gray = light(gray, at, x, y);
        pixels[y * width + x] = Math.max(0, Math.min(255, Math.round(gray + noise * normal(this.#random))));
      }
    }
    return pixels;
  }

  /** Between pixels, what a lens shows there. */
  #at(x: number, y: number): number {
    const row = width + 2 * MARGIN;
    const [left, top] = [Math.floor(x + MARGIN), Math.floor(y + MARGIN)];
    const [right, down] = [x + MARGIN - left, y + MARGIN - top];
    const of = (dx: number, dy: number) => this.#place[(top + dy) * row + left + dx] ?? 0;
    return (
      (1 - down) * ((1 - right) * of(0, 0) + right * of(1, 0)) +
      down * ((1 - right) * of(0, 1) + right * of(1, 1))
    );
  }
}

function covered(
  gray: number,
  thing: Thing & { readonly x: number; readonly y: number },
  x: number,
  y: number,
): number {
  // A thing's edge covers part of a pixel.
  const part = (from: number, size: number, at: number) =>
    Math.max(0, Math.min(1, at + 1 - from) - Math.max(0, at + 1 - from - size));
  const share = Math.min(1, part(thing.x, thing.width, x)) * Math.min(1, part(thing.y, thing.height, y));
  if (share <= 0) return gray;
  const own = typeof thing.gray === 'number' ? thing.gray : gray + thing.gray.lighter;
  return gray + share * (own - gray);
}

function furnish(random: () => number): Float32Array {
  const [columns, rows] = [width + 2 * MARGIN + 1, height + 2 * MARGIN + 1];
  const row = width + 2 * MARGIN;
  const place = new Float32Array(row * rows);
  const slope = 60 * random();
  for (let at = 0; at < place.length; at++) place[at] = 80 + (slope * Math.floor(at / row)) / rows;
  for (let box = 0; box < 40; box++) {
    const [x, y] = [Math.floor(random() * columns), Math.floor(random() * rows)];
    const [wide, high] = [4 + random() * 50, 4 + random() * 30];
    const gray = 20 + 215 * random();
    for (let py = y; py < Math.min(rows, y + high); py++)
      for (let px = x; px < Math.min(row, x + wide); px++) place[py * row + px] = gray;
  }
  return place;
}

/** A normal number: mean 0, deviation 1 (Box and Muller). */
const normal = (random: () => number): number =>
  Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

/** From one place to another between two times, and not there otherwise. */
export const crossing =
  (
    from: { x: number; y: number },
    to: { x: number; y: number },
    begin: number,
    end: number,
  ): Thing['where'] =>
  (at) => {
    if (at < begin || at >= end) return undefined;
    const part = (at - begin) / (end - begin);
    return { x: from.x + part * (to.x - from.x), y: from.y + part * (to.y - from.y) };
  };
