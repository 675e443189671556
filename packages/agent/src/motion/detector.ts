import { Background } from './background.ts';
import { clusters } from './clusters.ts';
import { fitLight, type Light } from './light.ts';
import { BLOCKS, blockMeans, blockOf, PICTURE, type Picture } from './picture.ts';
import { findShift, putBack } from './shift.ts';
import { Usual } from './usual.ts';
import { watchedBlocks, type Zone } from './zones.ts';

/** What a detector looks for. */
export interface DetectorOptions {
  /** From 1, only what is large and clear, to 10, also what is small and faint. */
  readonly sensitivity: number;
  /** Where motion does not count. Default: nowhere. */
  readonly zones?: readonly Zone[];
}

/** What a detector sees in a picture. */
export interface Sight {
  /** How much moves, as a share of what counts as motion: from 1 it does. */
  readonly level: number;
  /** Something moves, for some pictures now. */
  readonly isMotion: boolean;
}

/** So long a new background is learned before anything is said. In ms. */
const LEARNING = 2_000;
/** Pictures further apart, or out of order, have nothing to do with one another. In ms. */
const GAP = 10_000;
/** Motion begins with so many pictures in a row that show it, and ends with so many that do not. */
const BEGIN_AFTER = 3;
const END_AFTER = 3;
/** Motion that is on goes on from this level. */
const STAYS_FROM = 0.5;
/** What is so many times further off than usual is no noise. */
const STRAY_TIMES = 5;
/** A camera's iris takes its time; light that changes by more from one picture to the next was switched. In gray values. */
const SWITCHED = 8;
/** Where so much of the picture changes at once it is the light, or the camera was turned: learned anew. */
const ALL = 0.6;
/** So far off is new, whatever the sensitivity. In gray values. */
const NEW = 6;
/** Of what is where nothing was, such a part has to change, or it is only left lying there. */
const MOVING_PART = 0.1;

/** How fast each kind of block is learned: time constants in ms. */
const PACE = {
  quiet: 8_000,
  /** What has come and stays becomes background; so does what is left where something went away. */
  still: 5_000,
  moving: 40_000,
  /** What is usual. A tree in the wind becomes so. */
  usual: 20_000,
  unusual: 60_000,
  /** The picture of just now. */
  recent: 500,
} as const;

/**
 * Sees in a row of small pictures whether something moves. It knows what each part of the picture is like while nothing
 * does (a running mean, and how noisy it is), follows the light, and takes for motion what is off in some blocks side by
 * side, changes, and stays for some pictures. Light switched on, a slow dusk, noise, a shaking camera and things that are
 * left lying are none.
 */
export class Detector {
  readonly #contrast: number;
  readonly #leastBlocks: number;
  readonly #watched: Uint8Array;
  readonly #watchedCount: number;
  readonly #background = new Background();
  /** The mean of the last few pictures. */
  readonly #recent = new Float32Array(PICTURE.pixels);
  readonly #usualOff = new Usual(BLOCKS.count);
  readonly #usualChange = new Usual(BLOCKS.count);
  readonly #means = new Float32Array(BLOCKS.count);
  readonly #lastMeans = new Float32Array(BLOCKS.count);
  readonly #recentMeans = new Float32Array(BLOCKS.count);
  readonly #off = new Float32Array(BLOCKS.count);
  readonly #change = new Float32Array(BLOCKS.count);
  readonly #shares = new Float32Array(BLOCKS.count);
  readonly #active = new Uint8Array(BLOCKS.count);
  readonly #moving = new Uint8Array(BLOCKS.count);
  #last: number | undefined;
  /** When the learning began, and how many pictures were learned since. */
  #begun = 0;
  #learned = 0;
  #row = 0;
  #isMotion = false;

  constructor({ sensitivity, zones = [] }: DetectorOptions) {
    const strictness = (10 - sensitivity) / 9;
    this.#contrast = 3 * 8 ** strictness;
    this.#leastBlocks = Math.round(1.5 * 4 ** strictness);
    this.#watched = watchedBlocks(zones);
    this.#watchedCount = count(this.#watched);
  }

  /** The next picture. Does not keep it. */
  look({ pixels, at }: Picture): Sight {
    const passed = this.#last === undefined ? Number.NaN : at - this.#last;
    this.#last = at;
    // Also where there is none before.
    if (!(passed > 0 && passed <= GAP)) return this.#begin(pixels, at);
    if (this.#isLightSwitched(pixels)) return this.#begin(pixels, at);
    const isLearning = at - this.#begun < LEARNING;
    const steady = this.#steady(pixels);
    if (!isLearning && this.#isAllNew()) return this.#begin(pixels, at);
    const level = isLearning ? 0 : this.#level();
    this.#learn(steady, passed, isLearning);
    return { level, isMotion: this.#decide(level) };
  }

  #begin(pixels: Uint8Array, at: number): Sight {
    this.#background.reset(pixels);
    blockMeans(pixels, this.#lastMeans);
    this.#recent.set(pixels);
    this.#usualOff.reset();
    this.#usualChange.reset();
    this.#begun = at;
    this.#learned = 1;
    return { level: 0, isMotion: this.#decide(0) };
  }

  /** Finds what is off in a picture. @returns it, put back in its place where the camera was shaken. */
  #steady(pixels: Uint8Array): Uint8Array {
    const light = this.#measure(pixels);
    if (count(this.#active) < this.#leastBlocks) return pixels;
    const { pixels: background } = this.#background;
    const shift = findShift(pixels, background, light);
    if (shift.x === 0 && shift.y === 0) return pixels;
    const steady = putBack(pixels, background, shift);
    this.#measure(steady);
    return steady;
  }

  /** How far each block is off from the background, and from just now. */
  #measure(pixels: Uint8Array): Light {
    blockMeans(pixels, this.#means);
    const light = fitLight(this.#background.means, this.#means);
    this.#background.compare(pixels, light, this.#off);
    blockMeans(this.#recent, this.#recentMeans);
    this.#compareRecent(pixels, fitLight(this.#recentMeans, this.#means));
    this.#mark();
    return light;
  }

  /** Whether half of the picture has become lighter, or darker, since the one before. */
  #isLightSwitched(pixels: Uint8Array): boolean {
    const before = this.#lastMeans.slice();
    blockMeans(pixels, this.#lastMeans);
    const steps = before.map((mean, block) => (this.#lastMeans[block] as number) - mean).sort();
    return Math.abs(steps[BLOCKS.count >> 1] as number) > SWITCHED;
  }

  #isAllNew(): boolean {
    let changed = 0;
    for (let block = 0; block < BLOCKS.count; block++) {
      const off = this.#off[block] as number;
      if (this.#watched[block] === 1 && this.#usualOff.isExceeded(block, off, NEW, STRAY_TIMES)) changed += 1;
    }
    return changed > ALL * this.#watchedCount;
  }

  #compareRecent(pixels: Uint8Array, { gain, offset }: Light): void {
    const change = this.#change;
    change.fill(0);
    for (let pixel = 0; pixel < PICTURE.pixels; pixel++) {
      const block = blockOf[pixel] as number;
      const off = (pixels[pixel] as number) - gain * (this.#recent[pixel] as number) - offset;
      change[block] = (change[block] as number) + Math.abs(off);
    }
    for (let block = 0; block < BLOCKS.count; block++)
      change[block] = (change[block] as number) / BLOCKS.pixels;
  }

  #mark(): void {
    for (let block = 0; block < BLOCKS.count; block++) {
      const counts = this.#watched[block] === 1;
      const [off, change] = [this.#off[block] as number, this.#change[block] as number];
      const isActive = counts && this.#usualOff.isExceeded(block, off, this.#contrast, STRAY_TIMES);
      const isMoving = this.#usualChange.isExceeded(block, change, this.#contrast / 2, STRAY_TIMES);
      this.#active[block] = isActive ? 1 : 0;
      this.#moving[block] = isActive && isMoving ? 1 : 0;
    }
  }

  #level(): number {
    let most = 0;
    for (const { blocks, moving } of clusters(this.#active, this.#moving))
      if (moving >= Math.max(1, MOVING_PART * blocks)) most = Math.max(most, blocks);
    return most / this.#leastBlocks;
  }

  #learn(pixels: Uint8Array, passed: number, isLearning: boolean): void {
    this.#learned += 1;
    const first = 1 / this.#learned;
    const share = (pace: number) => 1 - Math.exp(-passed / pace);
    for (let block = 0; block < BLOCKS.count; block++) {
      const isActive = this.#active[block] === 1;
      const isMoving = this.#moving[block] === 1;
      const pace = isMoving ? PACE.moving : isActive ? PACE.still : PACE.quiet;
      this.#shares[block] = isLearning ? Math.max(first, share(PACE.quiet)) : share(pace);
      const usual = isLearning ? first : share(isActive ? PACE.unusual : PACE.usual);
      const most = isLearning ? Number.POSITIVE_INFINITY : 4 * this.#contrast;
      this.#usualOff.learn(block, this.#off[block] as number, usual, most);
      this.#usualChange.learn(block, this.#change[block] as number, usual, most);
    }
    this.#background.learn(pixels, this.#shares);
    const recent = share(PACE.recent);
    for (let pixel = 0; pixel < PICTURE.pixels; pixel++) {
      const mean = this.#recent[pixel] as number;
      this.#recent[pixel] = mean + recent * ((pixels[pixel] as number) - mean);
    }
  }

  #decide(level: number): boolean {
    const shows = level >= (this.#isMotion ? STAYS_FROM : 1);
    this.#row = shows === this.#isMotion ? 0 : this.#row + 1;
    if (this.#row >= (this.#isMotion ? END_AFTER : BEGIN_AFTER)) {
      this.#isMotion = !this.#isMotion;
      this.#row = 0;
    }
    return this.#isMotion;
  }
}

const count = (marks: Uint8Array): number => marks.reduce((sum, one) => sum + one, 0);
