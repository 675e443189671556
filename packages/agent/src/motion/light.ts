import { BLOCKS } from './picture.ts';

/** How the light of a whole picture has changed: a gray value `v` became `gain × v + offset`. */
export interface Light {
  readonly gain: number;
  readonly offset: number;
}

/** A camera that opens or closes its iris stays within this; beyond it something else has happened. */
const GAIN = { least: 0.5, most: 2 } as const;
/** So often the blocks that do not fit are left out and the rest is fitted again. */
const ROUNDS = 3;
/** What is off by more than so many times the middle of all does not fit. */
const OUTLIER = 2.5;
/** Nor is anything left out that is hardly off at all, in gray values. */
const NEAR = 1;

const residuals = new Float32Array(BLOCKS.count);

/**
 * The change of light between two pictures that explains most of them, by their blocks' means: a straight line through
 * the blocks (least squares), without those that do not lie on it, such as where something moves.
 */
export function fitLight(before: Float32Array, now: Float32Array): Light {
  let light = solve(before, now, Number.POSITIVE_INFINITY, { gain: 1, offset: 0 });
  for (let round = 1; round < ROUNDS; round++) {
    for (let block = 0; block < BLOCKS.count; block++) residuals[block] = off(before, now, block, light);
    const middle = residuals.slice().sort()[BLOCKS.count >> 1] as number;
    light = solve(before, now, Math.max(NEAR, OUTLIER * middle), light);
  }
  return light;
}

const off = (before: Float32Array, now: Float32Array, block: number, { gain, offset }: Light): number =>
  Math.abs((now[block] as number) - gain * (before[block] as number) - offset);

function solve(before: Float32Array, now: Float32Array, most: number, last: Light): Light {
  let [count, x, y, xx, xy] = [0, 0, 0, 0, 0];
  for (let block = 0; block < BLOCKS.count; block++) {
    if (off(before, now, block, last) > most) continue;
    const [from, to] = [before[block] as number, now[block] as number];
    count += 1;
    x += from;
    y += to;
    xx += from * from;
    xy += from * to;
  }
  if (count === 0) return last;
  const spread = xx - (x * x) / count;
  // Of a picture all in one gray nobody can tell gain from offset.
  const gain = spread > count ? (xy - (x * y) / count) / spread : 1;
  const kept = Math.min(GAIN.most, Math.max(GAIN.least, gain));
  return { gain: kept, offset: (y - kept * x) / count };
}
