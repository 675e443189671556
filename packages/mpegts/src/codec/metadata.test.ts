import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { concat } from '../bytes.ts';
import { Random } from '../testing/random.ts';
import { id3Unit, klvUnit, metadataCells } from '../testing/streams.ts';
import { ticks90k } from '../time.ts';
import type { Frame, TimedPes } from './framer.ts';
import { METADATA_STREAM_ID, MetadataFramer } from './metadata.ts';

const random = new Random(61);

function collect(codec: 'klv' | 'timed_id3' = 'klv') {
  const frames: Frame[] = [];
  const faults: [string, number][] = [];
  const framer = new MetadataFramer(codec, {
    onFrame: (frame) => frames.push(frame),
    onFault: (fault, bytes) => faults.push([fault, bytes]),
  });
  const push = (payload: Uint8Array, pts: number | undefined, extra: Partial<TimedPes> = {}) =>
    framer.push({
      payload,
      streamId: METADATA_STREAM_ID,
      pts: pts === undefined ? undefined : ticks90k(pts),
      dts: undefined,
      randomAccess: false,
      damaged: false,
      ...extra,
    });
  return { frames, faults, framer, push };
}

describe('metadata in access unit cells', () => {
  it('are delivered without the cells, also several from one PES packet', () => {
    const { frames, push } = collect();
    const units = [1, 2, 3].map(() => klvUnit(random, 50));
    push(concat(...units.map((unit) => metadataCells(unit))), 900);
    assert.deepEqual(
      frames.map((f) => [f.pts, f.randomAccess, f.data]),
      units.map((unit) => [900, true, unit]),
    );
  });

  it('are joined over cells and PES packets, with the time of the first', () => {
    const { frames, faults, push } = collect();
    const unit = klvUnit(random, 100);
    const cells = metadataCells(unit, 30);
    push(cells.subarray(0, 70), 900);
    push(cells.subarray(70), 1800);
    assert.deepEqual(
      frames.map((f) => [f.pts, f.data]),
      [[900, unit]],
    );
    assert.deepEqual(faults, []);
  });

  it('are reported where a part is missing, and the next is found', () => {
    const { frames, faults, push } = collect();
    const cells = metadataCells(klvUnit(random, 100), 30);
    const whole = klvUnit(random, 20);
    push(cells.subarray(0, 35), 0); // the rest never comes
    push(metadataCells(whole), 1);
    push(cells.subarray(35), 2); // the begin never came
    push(cells.subarray(0, 60), 3); // cut inside a cell
    push(metadataCells(whole), 4);
    assert.deepEqual(
      frames.map((f) => [f.pts, f.data]),
      [
        [1, whole],
        [4, whole],
      ],
    );
    assert.ok(faults.length >= 3 && faults.every(([fault]) => fault === 'incomplete'));
  });

  it('take no more memory than one PES packet may, however many cells come', () => {
    const { frames, faults, push } = collect();
    const middle = Uint8Array.of(0, 0, 0x0f, 0, 1, 7);
    push(Uint8Array.of(0, 0, 0x8f, 0, 1, 7), 0);
    for (let i = 0; i < 2000; i++) push(middle, 1);
    assert.deepEqual(frames, []);
    assert.ok(faults.length > 0);
  });
});

describe('metadata without cells', () => {
  it('fill a PES packet: ID3 as HTTP Live Streaming sends it, KLV that is not synchronous', () => {
    for (const [codec, unit] of [
      ['timed_id3', id3Unit(random, 40)],
      ['klv', klvUnit(random, 40)],
    ] as const) {
      const { frames, push } = collect(codec);
      push(unit, 0, { streamId: 0xbd });
      push(unit, 1); // some say that there are cells and send none
      assert.deepEqual(
        frames.map((f) => f.data),
        [unit, unit],
      );
    }
  });

  it('without a time stamp are due at the last decoding time of the program, if there was one', () => {
    const { frames, faults, push } = collect();
    const unit = klvUnit(random, 40);
    push(unit, undefined, { streamId: 0xbd });
    push(unit, undefined, { streamId: 0xbd, latest: ticks90k(77) });
    push(metadataCells(unit), undefined, { latest: ticks90k(78) });
    assert.deepEqual(faults, [['no-timestamp', unit.length]]);
    assert.deepEqual(
      frames.map((f) => f.pts),
      [77, 78],
    );
  });
});
