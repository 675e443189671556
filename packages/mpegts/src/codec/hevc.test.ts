import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { concat } from '../bytes.ts';
import { Random } from '../testing/random.ts';
import { filler, hevcSets, hevcUnit } from '../testing/streams.ts';
import { ticks90k } from '../time.ts';
import type { Frame } from './framer.ts';
import { HevcFramer } from './hevc.ts';
import { hevcCodecString, parseHevcSps } from './hevc-sps.ts';

const random = new Random(41);
const fromHex = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));
const START = Uint8Array.of(0, 0, 0, 1);

function collect() {
  const frames: Frame[] = [];
  const faults: string[] = [];
  const framer = new HevcFramer({
    onFrame: (frame) => frames.push(frame),
    onFault: (fault) => faults.push(fault),
  });
  const push = (payload: Uint8Array, pts: number) =>
    framer.push({ payload, pts: ticks90k(pts), dts: undefined, randomAccess: false, damaged: false });
  return { frames, faults, push };
}

describe('parseHevcSps', () => {
  it('reads what x265 writes', () => {
    const found = parseHevcSps(hevcSets.sps);
    assert.ok(found);
    const { width, height, frameRate, frameDuration, profile } = found;
    assert.deepEqual([width, height, frameRate, frameDuration], [322, 244, 25, 3600]);
    assert.deepEqual([profile.profile, profile.high, profile.level], [1, false, 60]);
  });

  it('reads one with all that stands before the frame rate', () => {
    // Sub-layers, cropped 4:2:2, scaling lists, PCM, predicted reference picture sets of which one drops the picture
    // itself, long-term pictures, an aspect ratio of its own, a display window. ffmpeg 5.1 reads the same from it.
    const found = parseHevcSps(
      fromHex(
        '420104222000000300900000030000030099d0000220000003009000000300000300787bb003c0801107712d9457' +
          '9244bba74e9d3a64444574e9d3a74e9d3a74e9d3a74e9d3a74e9d3a74c8888a774e9d3a74e9d3a74e9d3a74e9d3a' +
          '74e9d3a74c8888a774e9d3a74e9d3a74e9d3a74e9d3a74e9d3a74cbbbd48d6e4fb247b0584affc0010000ed42440' +
          '26d8fc00000fa40003a98020',
      ),
    );
    assert.ok(found);
    assert.deepEqual([found.width, found.height, found.frameRate], [1916, 1080, 60_000 / 1001]);
    assert.equal(hevcCodecString(found.profile), 'hvc1.2.4.H153.90');
  });

  it('refuses what is cut off, random or impossibly large', () => {
    assert.equal(parseHevcSps(hevcSets.sps.subarray(0, 16)), undefined);
    assert.equal(parseHevcSps(new Uint8Array(0)), undefined);
    assert.equal(parseHevcSps(new Uint8Array(64)), undefined);
    for (let i = 0; i < 5000; i++) {
      const kept = hevcSets.sps.subarray(0, 15 + random.below(15));
      parseHevcSps(concat(kept, random.bytes(random.below(60))));
    }
  });
});

describe('hevcCodecString', () => {
  it('writes the form of ISO/IEC 14496-15 E.3', () => {
    const main = { space: 0, high: false, profile: 1, compatibility: 0x60000000, level: 93 };
    assert.equal(hevcCodecString({ ...main, constraints: [0xb0, 0, 0, 0, 0, 0] }), 'hvc1.1.6.L93.B0');
    const other = { space: 1, high: true, profile: 31, compatibility: 0x00000001, level: 30 };
    assert.equal(
      hevcCodecString({ ...other, constraints: [0, 0x5, 0, 0, 0, 0] }),
      'hvc1.A31.80000000.H30.0.5',
    );
    assert.equal(hevcCodecString({ ...main, constraints: [0, 0, 0, 0, 0, 0] }), 'hvc1.1.6.L93');
  });
});

describe('H.265 access units', () => {
  it('are random access points when VPS, SPS and PPS come with an IRAP picture', () => {
    const { frames, push } = collect();
    for (const [i, kind] of (['idr', 'p', 'cra', 'idr-bare'] as const).entries())
      push(hevcUnit(random, kind, 100), i * 3600);
    assert.deepEqual(
      frames.map((f) => [f.randomAccess, f.keyFrame, f.pts]),
      [
        [true, true, 0],
        [false, false, 3600],
        [true, true, 7200],
        [false, true, 10_800],
      ],
    );
  });

  it('tell what a decoder must know, by the same object until it changes', () => {
    const { frames, push } = collect();
    push(hevcUnit(random, 'p', 50), 0);
    for (let i = 1; i < 4; i++) push(hevcUnit(random, 'idr', 50), i * 3600);
    assert.equal(frames[0]?.config, undefined);
    assert.deepEqual(frames[1]?.config, {
      codec: 'hevc',
      codecString: 'hvc1.1.6.L60.90',
      profile: 1,
      tier: 'main',
      level: 60,
      width: 322,
      height: 244,
      frameRate: 25,
      frameDuration: ticks90k(3600),
      vps: hevcSets.vps,
      sps: hevcSets.sps,
      pps: [hevcSets.pps],
    });
    assert.equal(frames[3]?.config, frames[1]?.config);
  });

  it('are told apart where a PES packet holds several', () => {
    const { frames, push } = collect();
    const units = (['idr', 'p', 'p', 'cra'] as const).map((kind) => hevcUnit(random, kind, 80));
    push(concat(...units), 0);
    assert.deepEqual(
      frames.map((f) => f.pts),
      [0, 3600, 7200, 10_800],
    );
    assert.deepEqual(
      frames.map((f) => f.data),
      units,
    );
  });

  it('are told apart by the first slice segment alone, and keep their slices and suffixes together', () => {
    const { frames, push } = collect();
    const nal = (type: number, ...begin: number[]) =>
      concat(START, Uint8Array.of(type << 1, 1, ...begin), filler(random, 30));
    const picture = () => concat(nal(1, 0x80), nal(1, 0x40), nal(40, 0x80), nal(36, 0x80));
    const units = [picture(), picture(), concat(nal(39, 0x80), picture())];
    push(concat(...units), 0);
    assert.deepEqual(
      frames.map((f) => f.data),
      units,
    );
  });

  it('of an enhancement layer stay with those of the base', () => {
    const { frames, push } = collect();
    const enhancement = concat(START, Uint8Array.of(0x02, 0x09, 0x80), filler(random, 30));
    push(concat(hevcUnit(random, 'idr', 60), enhancement), 0);
    assert.equal(frames.length, 1);
  });

  it('report a parameter set that cannot be read, and go on', () => {
    const { frames, faults, push } = collect();
    push(concat(START, Uint8Array.of(0x42, 1, 0xff, 0xff), hevcUnit(random, 'idr', 60)), 0);
    assert.deepEqual(faults, ['header']);
    assert.equal(frames[0]?.config?.codec, 'hevc');
  });
});
