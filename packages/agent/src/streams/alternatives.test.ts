// Alternatives with the real combiner: what a viewer sees of a switch.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AccessUnit, Demuxer } from '@perch/mpegts';
import { FakeClock } from '@perch/testkit';
import { Switchboard } from '../ingest/switchboard.ts';
import type { Pressure } from './chooser.ts';
import { combining } from './combining.ts';
import { Streams } from './streams.ts';
import { Encoder } from './testing/encoder.ts';

const mark = { randomAccess: false, class: 'data' } as const;
const STREAM = 'stream/x';
const [LARGE, SMALL] = [0xaa, 0xbb];

function setUp() {
  const clock = new FakeClock();
  const switchboard = new Switchboard(clock);
  let pressure: Pressure = { delayMs: 0, droppedMessages: 0 };
  const streams = new Streams({ switchboard, clock, combining, pressure: () => pressure });
  const alternatives = [
    ['large', 'sound'],
    ['small', 'sound'],
  ];
  const rule = { stream: STREAM, feeds: null, alternatives };
  streams.setRules({ streams: new Map([[STREAM, rule]]), feeds: new Map() });
  const units: AccessUnit[] = [];
  let damage = 0;
  const demuxer = new Demuxer({
    onAccessUnit: (unit) => units.push({ ...unit, data: unit.data.slice() }),
    onDamage: () => {
      damage++;
    },
  });
  switchboard.join(STREAM, {
    take: ({ messages }) => {
      for (const { bytes } of messages) demuxer.push(bytes);
    },
  });
  // Their key pictures come at different times.
  const feeds = [
    { name: 'large', encoder: new Encoder('video'), fill: LARGE, every: 40, keyAt: 0 },
    { name: 'small', encoder: new Encoder('video', { start: 5_000_000 }), fill: SMALL, every: 40, keyAt: 13 },
    { name: 'sound', encoder: new Encoder('audio', { start: 900_000 }), fill: 0, every: 24, keyAt: 0 },
  ].map((feed) => ({ ...feed, input: switchboard.open(feed.name), sent: 0 }));
  const run = async (ms: number) => {
    for (let passed = 0; passed < ms; passed++) {
      clock.advance(1);
      for (const feed of feeds) {
        if (clock.now() % feed.every !== 0) continue;
        const bytes = feed.encoder.unit({ key: feed.sent++ % 25 === feed.keyAt, fill: feed.fill });
        feed.input.publish({ bytes, text: false, mark }, feed.input);
      }
    }
    await new Promise((resolve) => setImmediate(resolve));
  };
  return {
    run,
    streams,
    units,
    damage: () => damage,
    press: (next: Pressure) => {
      pressure = next;
    },
  };
}

test('a switch begins with a key picture of the new one, and neither picture nor sound has a gap', async () => {
  const { run, streams, units, damage, press } = setUp();
  await run(3_000);
  press({ delayMs: 900, droppedMessages: 0 });
  await run(3_000);
  assert.equal(streams.get(STREAM)?.alternative, 1);
  press({ delayMs: 0, droppedMessages: 0 });
  await run(15_000);
  assert.equal(streams.get(STREAM)?.alternative, 0);

  const pictures = units.filter((unit) => unit.class === 'video');
  const sources = pictures.map(({ data }) => data.at(-1));
  const runs = sources.filter((fill, i) => fill !== sources[i - 1]);
  assert.deepEqual(runs, [LARGE, SMALL, LARGE]);
  for (const [i, picture] of pictures.entries()) {
    if (sources[i] !== sources[i - 1])
      assert.equal(picture.randomAccess, true, 'it begins with a key picture');
    const step = (picture.dts - (pictures[i - 1]?.dts ?? picture.dts)) / 90;
    assert.ok(step <= 81, `${step} ms between two pictures`);
  }
  const sound = units.filter((unit) => unit.class === 'audio');
  for (const [i, { dts }] of sound.entries()) {
    const step = (dts - (sound[i - 1]?.dts ?? dts - 2_160)) / 90;
    assert.ok(Math.abs(step - 24) <= 1, `${step} ms between two sounds`);
  }
  assert.equal(damage(), 0);
});
