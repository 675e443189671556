import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pair } from './clap.ts';

/** A sample each `step` seconds, on for `length` from each of `times`. */
const series = (step: number, times: readonly number[], length: number) =>
  Array.from({ length: Math.round(6 / step) }, (_, i) => {
    const at = i * step;
    return { at, on: times.some((time) => at >= time - 1e-9 && at < time + length) };
  });

test('a flash and a beep at one moment are a clap, with the sound’s distance from the picture', () => {
  const clap = pair(series(0.04, [1, 2, 3, 4], 0.04), series(0.001, [1.02, 2.02, 3.02, 4.05], 0.06));
  assert.deepEqual(clap, { claps: 4, offsetMs: 20, worstMs: 50, offsetsMs: [20, 20, 20, 50] });
});

test('a picture that is bright most of the time, or a sound that goes on, is no clap', () => {
  const beeps = series(0.001, [1, 2, 3], 0.06);
  assert.equal(pair(series(0.04, [0], 6), beeps), undefined);
  assert.equal(pair(series(0.04, [1, 2, 3], 0.04), series(0.001, [0], 6)), undefined);
});

test('two that happen to fall together are no clapperboard', () => {
  assert.equal(pair(series(0.04, [1, 2], 0.04), series(0.001, [1, 2, 3], 0.06)), undefined);
});
