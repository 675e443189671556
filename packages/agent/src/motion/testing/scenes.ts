import { crossing, randomOf, type SceneOptions } from './scene.ts';

/** A scene, and when something moves in it that counts; nothing where nothing does. In ms. */
export interface Case {
  readonly name: string;
  scene(seed: number): SceneOptions;
  readonly moves?: readonly [begin: number, end: number];
}

const [BEGIN, END] = [10_000, 16_000];
const dark = { width: 8, height: 20, gray: 30 };
const across = crossing({ x: -8, y: 50 }, { x: 160, y: 40 }, BEGIN, END);
const jitter = (pixels: number) => (_: number, random: () => number) => ({
  x: (random() - 0.5) * 2 * pixels,
  y: (random() - 0.5) * 2 * pixels,
});
const at = 10_000;

/** Things that are no motion. Each is 20 s long. */
export const quiet: readonly Case[] = [
  { name: 'noise alone', scene: (seed) => ({ seed, noise: 3 }) },
  { name: 'much noise', scene: (seed) => ({ seed, noise: 15 }) },
  { name: 'dusk', scene: (seed) => ({ seed, light: (gray, now) => gray * (1 - now / 30_000) }) },
  {
    name: 'a lamp switched on and off, which lights one corner more',
    scene: (seed) => ({
      seed,
      light(gray, now, x, y) {
        const spot = 120 * Math.exp(-((x - 110) ** 2 + (y - 20) ** 2) / 5_000);
        return now > at && now < at + 5_000 ? Math.min(255, gray + 30 + spot) : gray * 0.35;
      },
    }),
  },
  {
    name: 'a camera that opens and closes its iris',
    scene: (seed) => ({ seed, light: (gray, now) => gray * (1 + 0.25 * Math.sin(now / 3_000)) }),
  },
  { name: 'a camera that always shakes', scene: (seed) => ({ seed, shake: jitter(1) }) },
  {
    name: 'a gust that shakes the camera',
    scene: (seed) => ({
      seed,
      shake: (now, random) => (now > at && now < at + 4_000 ? jitter(2)(now, random) : { x: 0, y: 0 }),
    }),
  },
  {
    name: 'a thing that stands there from the start',
    scene: (seed) => ({
      seed,
      things: [{ width: 12, height: 24, gray: 220, where: () => ({ x: 60, y: 40 }) }],
    }),
  },
];

/** Things that are. Each is 20 s long. */
export const moving: readonly Case[] = [
  {
    name: 'a person who walks through',
    scene: (seed) => ({ seed, things: [{ ...dark, where: across }] }),
    moves: [BEGIN, END],
  },
  {
    name: 'a person who walks slowly',
    scene: (seed) => ({
      seed,
      things: [{ ...dark, where: crossing({ x: 30, y: 50 }, { x: 70, y: 50 }, 5_000, 19_000) }],
    }),
    moves: [5_000, 19_000],
  },
  {
    name: 'a cat',
    scene: (seed) => {
      const gray = randomOf(seed * 7)() > 0.5 ? 30 : 220;
      return { seed, things: [{ width: 8, height: 6, gray, where: across }] };
    },
    moves: [BEGIN, END],
  },
  {
    name: 'a faint person',
    scene: (seed) => ({ seed, things: [{ width: 10, height: 20, gray: { lighter: 15 }, where: across }] }),
    moves: [BEGIN, END],
  },
  {
    name: 'a person in front of a camera that shakes',
    scene: (seed) => ({ seed, shake: jitter(0.7), things: [{ ...dark, where: across }] }),
    moves: [BEGIN, END],
  },
  {
    name: 'a thing that was there from the start and leaves',
    scene: (seed) => ({
      seed,
      things: [
        {
          width: 12,
          height: 24,
          gray: 220,
          where: (now) => (now > 14_000 ? undefined : { x: 60 + Math.max(0, now - 10_000) / 40, y: 40 }),
        },
      ],
    }),
    moves: [10_000, 14_000],
  },
  {
    name: 'a thing that is carried in and left lying',
    scene: (seed) => ({
      seed,
      things: [
        {
          width: 12,
          height: 12,
          gray: 220,
          where: (now) => (now < 8_000 ? undefined : { x: Math.min(60, (now - 8_000) / 50), y: 60 }),
        },
      ],
    }),
    moves: [8_000, 11_000],
  },
];
