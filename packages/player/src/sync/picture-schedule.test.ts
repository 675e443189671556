import assert from 'node:assert/strict';
import { test } from 'node:test';
import { millis } from '@perch/runtime';
import { FakeClock } from '@perch/testkit';
import { CatchUp } from './catch-up.ts';
import { type MediaMs, mediaMs } from './media-time.ts';
import { type Frame, PictureSchedule } from './picture-schedule.ts';

class TestFrame implements Frame {
  readonly pts: MediaMs;
  closed = 0;
  constructor(pts: number) {
    this.pts = mediaMs(pts);
  }
  close(): void {
    this.closed += 1;
  }
}

function setUp() {
  const clock = new FakeClock();
  const catchUp = new CatchUp();
  const shown: { at: number; pts: number }[] = [];
  const all: TestFrame[] = [];
  const sound: { offset: number | undefined } = { offset: undefined };
  const schedule = new PictureSchedule<TestFrame>({
    clock,
    catchUp,
    soundNow: () => (sound.offset === undefined ? undefined : mediaMs(clock.now() - sound.offset)),
    show: (frame) => {
      shown.push({ at: clock.now(), pts: frame.pts });
      frame.close();
    },
  });
  const push = (pts: number) => {
    catchUp.fed({ pts: mediaMs(pts), dts: mediaMs(pts) }, clock.now(), false);
    const frame = new TestFrame(pts);
    all.push(frame);
    schedule.push(frame);
  };
  /** Over the first look at a stream, after which frames count as live. */
  const settle = () => {
    push(clock.now());
    clock.advance(50);
    shown.length = 0;
  };
  const allClosedOnce = () => all.every((frame) => frame.closed === 1);
  return { clock, schedule, shown, sound, push, settle, allClosedOnce };
}

test('without sound a frame is shown the moment it comes', () => {
  const { clock, shown, push, settle } = setUp();
  settle();
  push(60);
  assert.deepEqual(shown, [{ at: clock.now(), pts: 60 }]);
});

test('with sound a frame waits until its sound is almost heard', () => {
  const { clock, shown, sound, push, settle, allClosedOnce } = setUp();
  settle();
  sound.offset = 65; // what is heard now was due 65 ms ago
  push(60);
  assert.equal(shown.length, 0);
  clock.advance(100);
  assert.equal(shown.length, 1);
  assert.ok(Math.abs((shown[0]?.at ?? 0) - 70) <= 3, `shown at ${shown[0]?.at}`);
  assert.ok(allClosedOnce());
});

test('of several due frames the newest is shown and the others are counted', () => {
  const { clock, schedule, shown, sound, push, settle, allClosedOnce } = setUp();
  settle();
  sound.offset = 60;
  push(50);
  push(52);
  push(54);
  sound.offset = 0;
  clock.advance(60);
  assert.deepEqual(
    shown.map(({ pts }) => pts),
    [54],
  );
  assert.equal(schedule.dropped, 2);
  assert.ok(allClosedOnce());
});

test('when the sound stops the pictures go on', () => {
  const { clock, shown, sound, push, settle } = setUp();
  settle();
  sound.offset = 100;
  push(50);
  sound.offset = undefined;
  push(83);
  clock.advance(1);
  assert.deepEqual(
    shown.map(({ pts }) => pts),
    [83],
  );
});

test('a picture whose sound belongs to another time is not held', () => {
  const { shown, sound, push, settle } = setUp();
  settle();
  sound.offset = 1_000_000;
  push(83);
  assert.equal(shown.length, 1);
});

test('no more than a few pictures are held', () => {
  const { schedule, shown, sound, push, settle } = setUp();
  settle();
  sound.offset = 1_500;
  for (let i = 0; i < 40; i++) push(60 + i * 10);
  assert.ok(schedule.held <= 16);
  assert.equal(shown.length, 40 - schedule.held);
});

test('lateness is measured against the sound', () => {
  const { schedule, sound, push, settle } = setUp();
  settle();
  sound.offset = 0;
  assert.equal(schedule.takeLateness(), undefined);
  push(20);
  push(30);
  assert.equal(schedule.takeLateness(), 30);
});

test('clearing closes what is held', () => {
  const { clock, schedule, sound, push, settle, allClosedOnce } = setUp();
  settle();
  sound.offset = 100;
  push(60);
  schedule.clear();
  clock.advance(millis(1_000));
  assert.ok(allClosedOnce());
  assert.equal(clock.pending, 0);
});
