import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Detector } from './detector.ts';
import { PICTURE } from './picture.ts';
import { Scene } from './testing/scene.ts';
import { moving, quiet } from './testing/scenes.ts';
import { watch } from './testing/watch.ts';

const SEEDS = [1];
const DEFAULT = 5;
const DURATION = 20_000;

describe('no motion is', () => {
  for (const each of quiet) {
    it(each.name, () => {
      for (const seed of SEEDS) {
        const pictures = [...new Scene(each.scene(seed)).pictures(DURATION)];
        assert.equal(watch(pictures, each, DEFAULT).falseAlarms, 0, `seed ${seed}`);
      }
    });
  }
});

describe('motion is', () => {
  for (const each of moving) {
    it(`${each.name}, seen soon and not long after its end`, () => {
      for (const seed of SEEDS) {
        const score = watch(new Scene(each.scene(seed)).pictures(DURATION), each, DEFAULT);
        assert.deepEqual([score.isMissed, score.falseAlarms], [false, 0], `seed ${seed}`);
        assert.ok((score.seenAfter ?? 0) <= 2_500, `seed ${seed}: after ${score.seenAfter} ms`);
        assert.ok((score.overAfter ?? 0) <= 2_500, `seed ${seed}: for ${score.overAfter} ms more`);
      }
    });
  }
});

const flat = (gray: number) => new Uint8Array(PICTURE.pixels).fill(gray);

/** A flat picture with a square in it. */
function square(x: number, y: number, size: number): Uint8Array {
  const pixels = flat(100);
  for (let row = y; row < y + size; row++)
    pixels.fill(200, row * PICTURE.width + x, row * PICTURE.width + x + size);
  return pixels;
}

/** Twenty pictures of nothing, then one for each place of a square that moves. @returns how each of those was seen. */
function slide(detector: Detector, size: number, y = 30) {
  for (let i = 0; i < 20; i++) detector.look({ pixels: flat(100), at: i * 200 });
  return Array.from({ length: 10 }, (_, i) =>
    detector.look({ pixels: square(10 + i * 5, y, size), at: 4_000 + i * 200 }),
  );
}

describe('a detector', () => {
  it('needs three pictures in a row to begin and three to end', () => {
    const detector = new Detector({ sensitivity: DEFAULT });
    const seen = slide(detector, 15).map(({ isMotion }) => isMotion);
    assert.deepEqual(seen.slice(0, 4), [false, false, true, true]);
    const after = [0, 1, 2, 3].map((i) => detector.look({ pixels: flat(100), at: 6_000 + i * 200 }).isMotion);
    assert.deepEqual(after.slice(-2), [false, false]);
  });

  it('that is more sensitive sees smaller things', () => {
    const mostly = (sensitivity: number, size: number) =>
      slide(new Detector({ sensitivity }), size).some(({ isMotion }) => isMotion);
    assert.deepEqual([mostly(1, 30), mostly(1, 8), mostly(10, 8)], [true, false, true]);
  });

  it('tells how much moves: 1 is what counts', () => {
    const small = Math.max(...slide(new Detector({ sensitivity: DEFAULT }), 5).map(({ level }) => level));
    const large = Math.max(...slide(new Detector({ sensitivity: DEFAULT }), 30).map(({ level }) => level));
    assert.ok(small > 0 && small < 1, `${small}`);
    assert.ok(large > 5, `${large}`);
  });

  it('does not look where a zone is', () => {
    const zones = [{ x: 0, y: 0.25, width: 1, height: 0.4 }];
    const seen = slide(new Detector({ sensitivity: 10, zones }), 15, 30);
    assert.ok(seen.every(({ level }) => level === 0));
    const below = slide(new Detector({ sensitivity: 10, zones }), 15, 65);
    assert.ok(below.some(({ isMotion }) => isMotion));
  });

  it('begins anew after a gap, or when time runs backwards', () => {
    const detector = new Detector({ sensitivity: DEFAULT });
    slide(detector, 15);
    for (const at of [60_000, 5_000]) {
      const seen = [0, 1, 2, 3].map((i) => detector.look({ pixels: square(100, 10, 30), at: at + i * 200 }));
      assert.ok(seen.every(({ level }) => level === 0));
    }
  });
});
