import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TimedUnit } from '../combine/feed-track.ts';
import { TimedFeed } from '../combine/timed-feed.ts';
import { TestEncoder, type TestEncoderOptions } from '../testing/encoder.ts';
import { Random } from '../testing/random.ts';

const HOUR_MS = 3_600_000;

/** A feed and the units that it gives out. */
function listen(name = 'feed') {
  const feed = new TimedFeed({ name });
  let latest: TimedUnit | undefined;
  let before: number | undefined;
  feed.attach({
    onTracks: () => undefined,
    onUnit: (unit) => {
      assert.ok(before === undefined || unit.dts > before, 'decoding times rise');
      before = unit.dts;
      latest = unit;
    },
    onPacket: () => undefined,
    onInterrupt: () => undefined,
    onPushed: () => undefined,
  });
  return {
    feed,
    /** Pushes, and says how much later than `trueMs` the unit was placed. */
    error(bytes: Uint8Array, nowMs: number, trueMs: number): number {
      latest = undefined;
      feed.push(bytes, nowMs);
      assert.ok(latest, 'a unit came out');
      return (latest as TimedUnit).dts / 90 - trueMs;
    },
  };
}

/** An encoder whose clock runs `ppm` fast, seen through a network that delays each unit by up to 12 ms. */
function simulate(options: TestEncoderOptions & { ppm: number; hours: number; lagMs?: number }) {
  const { ppm, hours, lagMs = 0 } = options;
  const beginMs = 5000;
  const encoder = new TestEncoder(options);
  const random = new Random(11);
  const { feed, error } = listen();
  const begin = encoder.ticks;
  let worst = 0;
  for (;;) {
    // The unit is taken when the encoder's own clock has counted so far.
    const trueMs = beginMs + (encoder.ticks - begin) / 90 / (1 + ppm / 1e6);
    if (trueMs > beginMs + hours * HOUR_MS) break;
    const off = error(encoder.unit(), trueMs + lagMs + random.next() * 12, trueMs);
    if (trueMs > beginMs + 30_000) worst = Math.max(worst, Math.abs(off));
  }
  return { worst, feed };
}

describe('the clock of a feed', () => {
  for (const ppm of [200, -200]) {
    it(`stays within 20 ms of an encoder whose clock is ${ppm} ppm off, for 48 hours`, (t) => {
      // 33 bits wrap after 26.5 hours: here twice, soon after the begin and in the second day.
      const { worst, feed } = simulate({
        codec: 'h264',
        step: 45_000,
        group: 100,
        bytes: 20,
        start: 2 ** 33 - 90_000 * 3600,
        ppm,
        hours: 48,
      });
      assert.equal(feed.state.restarts, 0);
      assert.ok(worst <= 20, `${worst.toFixed(1)} ms`);
      assert.ok(Math.abs(feed.state.driftPpm - ppm) < 20, `drift ${feed.state.driftPpm}`);
      assert.deepEqual(feed.state.oddities, []);
      t.diagnostic(`worst ${worst.toFixed(1)} ms, drift found ${feed.state.driftPpm.toFixed(1)} ppm`);
    });
  }

  // A frame leaves an encoder when it is over and what the encoder holds back has passed; one that is read from a file in
  // real time is there from its begin.
  for (const { codec, step, heldMs } of [
    { codec: 'mp2', step: 2160, heldMs: 10 },
    { codec: 'aac', step: 2090, heldMs: 46 },
  ] as const) {
    for (const [source, lagMs] of [
      ['recorded', step / 90 + heldMs],
      ['read from a file', heldMs],
    ] as const) {
      it(`places ${codec} that is ${source} within 24 ms`, (t) => {
        const { worst } = simulate({ codec, step, group: 40, ppm: 100, hours: 0.1, lagMs });
        t.diagnostic(`worst ${worst.toFixed(1)} ms`);
        assert.ok(worst <= 24, `${worst.toFixed(1)} ms`);
      });
    }
  }

  it('goes on where time stamps wrap, also right after a restart', () => {
    const { feed, error } = listen();
    const encoder = new TestEncoder({ codec: 'h264', start: 2 ** 33 - 3600 * 50 });
    for (let i = 0; i < 100; i++) error(encoder.unit(), 1000 + i * 40, 0);
    assert.equal(feed.state.restarts, 0);
    // An encoder that is started again just before its clock wraps, twice.
    for (let round = 0; round < 2; round++) {
      encoder.ticks = 2 ** 33 - 3600 * 10;
      for (let i = 0; i < 100; i++) error(encoder.unit(), 1000 + (100 + round * 100 + i) * 40, 0);
    }
    assert.equal(feed.state.restarts, 2);
  });

  it('begins anew where time stamps jump, and time goes on', () => {
    for (const to of [126_000, 2 ** 33 - 5, 126_000 + 90_000 * 3600]) {
      const { feed, error } = listen();
      const encoder = new TestEncoder({ codec: 'h264', start: 90_000 * 1000 });
      for (let i = 0; i < 200; i++) error(encoder.unit(), 1000 + i * 40, 0);
      encoder.ticks = to;
      let off = 0;
      for (let i = 200; i < 400; i++) off = error(encoder.unit(), 1000 + i * 40, 1000 + i * 40);
      assert.equal(feed.state.restarts, 1);
      assert.ok(Math.abs(off) < 10, `${off} ms`);
    }
  });

  it('takes a gap that is as long in time stamps as in time for what it is', () => {
    const { feed, error } = listen();
    const encoder = new TestEncoder({ codec: 'h264' });
    for (let i = 0; i < 100; i++) error(encoder.unit(), 1000 + i * 40, 0);
    encoder.ticks += 90_000 * 60;
    const off = error(encoder.unit(), 1000 + 100 * 40 + 60_000, 1000 + 100 * 40 + 60_000);
    assert.equal(feed.state.restarts, 0);
    assert.ok(Math.abs(off) < 10, `${off} ms`);
  });

  it('is not moved by a network that stands still and then brings everything', () => {
    const { feed, error } = listen();
    const encoder = new TestEncoder({ codec: 'h264' });
    for (let i = 0; i < 500; i++) {
      const trueMs = 1000 + i * 40;
      // Everything of four seconds comes at the end of them.
      const arrival = i >= 300 && i < 400 ? 1000 + 400 * 40 : trueMs;
      const off = error(encoder.unit(), arrival, trueMs);
      if (i > 100) assert.ok(Math.abs(off) < 10, `unit ${i}: ${off} ms`);
    }
    assert.deepEqual(feed.state.oddities, []);
  });

  it('follows an encoder that stood still and does not catch up', () => {
    const { feed, error } = listen();
    const encoder = new TestEncoder({ codec: 'h264' });
    let off = 0;
    for (let i = 0; i < 600; i++) {
      const nowMs = 1000 + i * 40 + (i > 300 ? 5000 : 0);
      off = error(encoder.unit(), nowMs, nowMs);
    }
    assert.ok(Math.abs(off) < 10, `${off} ms`);
    assert.match(feed.state.oddities.join(), /do not keep pace/);
  });

  it('counts the arrival where time stamps stand still or run backwards, and says so', () => {
    for (const step of [0, -900]) {
      const { feed, error } = listen();
      const encoder = new TestEncoder({ codec: 'h264', step });
      for (let i = 0; i < 100; i++) {
        const off = error(encoder.unit(), 1000 + i * 40, 1000 + i * 40);
        assert.ok(Math.abs(off) <= 1000, `unit ${i}: ${off} ms`);
      }
      assert.match(feed.state.oddities.join(), /stand still or run backwards/);
    }
  });

  it('squeezes a burst at an encoder’s begin', () => {
    const { error } = listen();
    const encoder = new TestEncoder({ codec: 'h264' });
    let off = 0;
    // Half a second at once, then in real time, as ffmpeg 7 reads with -re.
    for (let i = 0; i < 100; i++) {
      const nowMs = 1000 + Math.max(0, i - 12) * 40;
      off = error(encoder.unit(), nowMs, nowMs);
      if (i > 18) assert.ok(Math.abs(off) < 40, `unit ${i}: ${off} ms`);
    }
    assert.ok(Math.abs(off) < 23, `${off} ms`);
  });

  it('puts no frame of sound before the one before it, however a machine stands still at an encoder’s begin', () => {
    const frame = 1920;
    const frames = 3;
    for (let seed = 1; seed <= 100; seed++) {
      const random = new Random(seed);
      const feed = new TimedFeed({ name: 'sound' });
      let last: number | undefined;
      feed.attach({
        onTracks: () => undefined,
        onUnit: ({ dts }) => {
          assert.ok(last === undefined || dts > last, `seed ${seed}: ${(dts - (last ?? 0)) / 90} ms`);
          last = dts + (frames - 1) * frame;
        },
        onPacket: () => undefined,
        onInterrupt: () => undefined,
        onPushed: () => undefined,
      });
      const encoder = new TestEncoder({ codec: 'aac', step: frames * frame });
      let nowMs = 1000;
      let stillUntil = 0;
      for (let i = 1; i <= 60; i++) {
        const dueMs = 1000 + (i * encoder.step) / 90;
        if (dueMs > stillUntil && random.below(10) === 0) stillUntil = dueMs + random.next() * 400;
        nowMs = Math.max(nowMs, dueMs, stillUntil);
        feed.push(encoder.unit(), nowMs);
      }
    }
  });
});
