import assert from 'node:assert/strict';
import { test } from 'node:test';
import { millis } from '@perch/runtime';
import { CatchUp } from './catch-up.ts';
import { mediaMs } from './media-time.ts';

const at = (pts: number) => ({ pts: mediaMs(pts), dts: mediaMs(pts) });

test('a marked start group is not shown; the first live frame is', () => {
  const catchUp = new CatchUp();
  for (let i = 0; i < 150; i++) catchUp.fed(at(i * 33), millis(i * 0.1), true);
  for (const i of [0, 80, 149]) assert.equal(catchUp.allows(mediaMs(i * 33), millis(20)), false);
  catchUp.fed(at(150 * 33), millis(30), false);
  assert.equal(catchUp.allows(mediaMs(100 * 33), millis(31)), false, 'still the past');
  assert.equal(catchUp.allows(mediaMs(149 * 33), millis(40)), true);
  assert.equal(catchUp.allows(mediaMs(150 * 33), millis(41)), true);
});

test('a start group that nothing live follows is shown after a while', () => {
  const catchUp = new CatchUp();
  for (let i = 0; i < 30; i++) catchUp.fed(at(i * 33), millis(i), true);
  assert.equal(catchUp.allows(mediaMs(29 * 33), millis(100)), false);
  assert.equal(catchUp.allows(mediaMs(29 * 33), millis(400)), true);
});

test('an unmarked burst is recognised by arriving faster than it plays', () => {
  const catchUp = new CatchUp();
  for (let i = 0; i < 150; i++) {
    catchUp.fed(at(i * 33), millis(i), false);
    assert.equal(catchUp.allows(mediaMs(i * 33), millis(i)), false);
  }
  assert.equal(catchUp.isBurst(millis(149)), true);
  catchUp.fed(at(150 * 33), millis(182), false);
  assert.equal(catchUp.allows(mediaMs(150 * 33), millis(195)), true);
  assert.equal(catchUp.isBurst(millis(195)), false);
});

test('a live stream without a cache is shown after a short look at it', () => {
  const catchUp = new CatchUp();
  catchUp.fed(at(0), millis(0), false);
  assert.equal(catchUp.allows(mediaMs(0), millis(5)), false);
  catchUp.fed(at(33), millis(33), false);
  assert.equal(catchUp.allows(mediaMs(33), millis(41)), true);
});

test('a backlog in the decoder is not shown while it is being worked off', () => {
  const catchUp = new CatchUp();
  catchUp.fed(at(0), millis(0), false);
  assert.equal(catchUp.allows(mediaMs(0), millis(50)), true);
  catchUp.fed(at(2_000), millis(60), false);
  assert.equal(catchUp.allows(mediaMs(500), millis(60)), false);
  assert.equal(catchUp.allows(mediaMs(1_950), millis(70)), true);
});

test('a decoder too slow for the stream still shows something', () => {
  const catchUp = new CatchUp();
  catchUp.fed(at(0), millis(0), false);
  catchUp.allows(mediaMs(0), millis(50));
  catchUp.fed(at(5_000), millis(60), false);
  let shown = 0;
  for (let t = 100; t < 1_100; t += 50) if (catchUp.allows(mediaMs(t), millis(t))) shown += 1;
  assert.ok(shown >= 3 && shown <= 5, `${shown} frames in a second`);
});

test('a decoder that keeps several frames for reordering is not taken for one that is behind', () => {
  const catchUp = new CatchUp();
  let shown = 0;
  for (let i = 0; i < 100; i++) {
    catchUp.fed(at(i * 33), millis(i * 33), false);
    // Five frames later, as streams with B pictures come.
    if (i >= 5 && catchUp.allows(mediaMs((i - 5) * 33), millis(i * 33 + 5))) shown += 1;
  }
  assert.ok(shown >= 90, `${shown} of 95 shown`);
});

test('a source that begins anew is live again', () => {
  const catchUp = new CatchUp();
  catchUp.fed(at(90_000), millis(0), false);
  assert.equal(catchUp.allows(mediaMs(90_000), millis(50)), true);
  catchUp.fed(at(1_400), millis(5_000), false);
  catchUp.fed(at(1_433), millis(5_033), false);
  assert.equal(catchUp.allows(mediaMs(1_433), millis(5_060)), true);
});

test('another source that begins a little earlier than the one before was is shown from its first picture on', () => {
  const catchUp = new CatchUp();
  for (let i = 0; i < 60; i++) {
    catchUp.fed(at(i * 40), millis(i * 40), false);
    if (i > 1) assert.equal(catchUp.allows(mediaMs(i * 40), millis(i * 40 + 45)), true);
  }
  for (let i = 0; i < 30; i++) {
    catchUp.fed(at(1_400 + i * 40), millis(2_400 + i * 40), false);
    assert.equal(catchUp.allows(mediaMs(1_400 + i * 40), millis(2_405 + i * 40)), true);
  }
});

test('time stamps that run backwards all the time are shown all the same', () => {
  const catchUp = new CatchUp();
  let shown = 0;
  for (let i = 0; i < 50; i++) {
    catchUp.fed(at(10_000 - i * 40), millis(i * 40), false);
    if (catchUp.allows(mediaMs(10_000 - i * 40), millis(i * 40 + 5))) shown += 1;
  }
  assert.ok(shown >= 48, `${shown} of 50 shown`);
});
