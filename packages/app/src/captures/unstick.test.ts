import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unstick } from './unstick.ts';

/** A `<video>` that never moves by itself, with this much loaded, in s. Keeps where it was told to jump. */
function still(given: { at?: number; loaded?: number; paused?: boolean; ended?: boolean } = {}) {
  const { at = 3, loaded = 6, paused = false, ended = false } = given;
  const jumps: number[] = [];
  let current = at;
  return {
    jumps,
    paused,
    ended,
    duration: 6,
    buffered: { length: 1, start: () => 0, end: () => loaded },
    get currentTime() {
      return current;
    },
    set currentTime(to: number) {
      jumps.push(to);
    },
    move: (to: number) => {
      current = to;
    },
  };
}

test('a film that stands still is woken, until it is let go of', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const video = still();
  const end = unstick(video);
  t.mock.timers.tick(1_000);
  assert.deepEqual(video.jumps, [], 'it may have begun just now');
  t.mock.timers.tick(1_000);
  assert.deepEqual(video.jumps, [3]);
  video.move(3.5);
  t.mock.timers.tick(1_000);
  assert.deepEqual(video.jumps, [3]);
  end();
  t.mock.timers.tick(9_000);
  assert.deepEqual(video.jumps, [3]);
});

test('so is one that stands before its last pictures', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const video = still({ at: 5.9 });
  t.after(unstick(video));
  t.mock.timers.tick(2_000);
  assert.deepEqual(video.jumps, [5.9]);
});

for (const [what, given] of Object.entries({
  'waits for more of the film': { loaded: 3.2 },
  'was stopped': { paused: true },
  'has ended': { at: 6, ended: true },
}))
  test(`one that ${what} is left alone`, (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    const video = still(given);
    t.after(unstick(video));
    t.mock.timers.tick(9_000);
    assert.deepEqual(video.jumps, []);
  });
