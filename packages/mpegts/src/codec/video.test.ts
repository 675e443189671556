import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { concat } from '../bytes.ts';
import { Random } from '../testing/random.ts';
import { filler, h264Unit, mpegVideoUnit, pps, sps } from '../testing/streams.ts';
import { ticks90k } from '../time.ts';
import { BitReader } from './bits.ts';
import type { Frame, Framer, TimedPes } from './framer.ts';
import { H264Framer } from './h264.ts';
import { parseSps } from './h264-sps.ts';
import { MpegVideoFramer } from './mpeg-video.ts';
import { nextStartCode } from './start-code.ts';

const random = new Random(21);
const fromHex = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));

function collect(
  make: (sink: { onFrame(f: Frame): void; onFault(fault: string, bytes: number): void }) => Framer,
) {
  const frames: Frame[] = [];
  const faults: string[] = [];
  const framer = make({ onFrame: (frame) => frames.push(frame), onFault: (fault) => faults.push(fault) });
  const push = (payload: Uint8Array, pts: number | undefined, extra: Partial<TimedPes> = {}) =>
    framer.push({
      payload,
      pts: pts === undefined ? undefined : ticks90k(pts),
      dts: undefined,
      randomAccess: false,
      damaged: false,
      ...extra,
    });
  return { frames, faults, framer, push };
}

const h264 = () => collect((sink) => new H264Framer(sink));
const mpeg = () => collect((sink) => new MpegVideoFramer('mpeg2video', sink));

describe('nextStartCode', () => {
  it('finds every prefix that a simple search finds', () => {
    for (let round = 0; round < 300; round++) {
      const bytes = Uint8Array.from({ length: 60 }, () => random.below(3));
      const simple = [];
      for (let i = 0; i + 2 < bytes.length; i++)
        if (!bytes[i] && !bytes[i + 1] && bytes[i + 2] === 1) simple.push(i);
      const found = [];
      for (let at = nextStartCode(bytes, 0, 60); at >= 0; at = nextStartCode(bytes, at + 1, 60))
        found.push(at);
      assert.deepEqual(found, simple);
    }
  });
});

describe('BitReader', () => {
  it('reads Exp-Golomb codes', () => {
    const bits = new BitReader(fromHex('a6429a')); // 1 010 011 00100 00101 00110 10
    assert.deepEqual(
      [0, 1, 2, 3, 4, 5].map(() => bits.unsigned()),
      [0, 1, 2, 3, 4, 5],
    );
    const signed = new BitReader(fromHex('a6428e')); // 1 010 011 00100 00101 00011 …
    assert.deepEqual(
      [0, 1, 2, 3, 4].map(() => signed.signed()),
      [0, 1, -1, 2, -2],
    );
  });

  it('ends on zeros only', () => {
    const bits = new BitReader(new Uint8Array(4));
    bits.unsigned();
    assert.equal(bits.overrun, true);
  });
});

describe('parseSps', () => {
  // What x264 wrote; the sizes and rates are those that were asked of it.
  const rate = 30_000 / 1001;
  it('reads formats, the shape of pixels, and how the order of pictures is told', () => {
    const read = (hex: string) => {
      const { chromaFormat, bitDepth, squarePixels, orderType, orderBits, frameNumberBits } =
        parseSps(fromHex(hex)) ?? {};
      return [chromaFormat, bitDepth, squarePixels, orderType, orderBits, frameNumberBits];
    };
    const eight = { luma: 8, chroma: 8 };
    assert.deepEqual(read('6742c00dd90141fb011000003e90000ea600f142a480'), [1, eight, true, 2, 0, 4]);
    assert.deepEqual(read('677a001fb6cd940d83de6f011000003e90000ea600f1831960'), [
      2,
      { luma: 10, chroma: 10 },
      true,
      0,
      6,
      4,
    ]);
    assert.deepEqual(read('67f4000d919b282a10f1f1f808800001f480007530078a14cb'), [3, eight, true, 0, 6, 4]);
    assert.deepEqual(read('6764000bf365093f8f8fc05b2000007d20001d4c01e28532c0'), [0, eight, true, 0, 6, 4]);
    assert.deepEqual(read('6764000bacd942c4effc024001e4400000fa40003a9803c50a6580'), [
      1,
      eight,
      false,
      0,
      6,
      4,
    ]);
  });

  for (const [name, hex, expected] of [
    ['baseline', '6742c00dd90141fb011000003e90000ea600f142a480', [0x42, 0xc0, 13, 320, 240, rate, true]],
    ['cropping', '67640028acd940780227e5c04400000fa40003a9803c60c658', [100, 0, 40, 1920, 1080, rate, true]],
    [
      'interlaced',
      '67640028acd94078044fde022000007d20001d4c03e2c5b2c0',
      [100, 0, 40, 1920, 1080, rate, false],
    ],
    ['4:2:2', '677a001fb6cd940d83de6f011000003e90000ea600f1831960', [122, 0, 31, 854, 480, rate, true]],
    ['4:4:4', '67f4000d919b282a10f1f1f808800001f480007530078a14cb', [244, 0, 13, 322, 242, rate, true]],
    ['monochrome', '6764000bf365093f8f8fc05b2000007d20001d4c01e28532c0', [100, 0, 11, 130, 98, rate, true]],
    [
      'scaling matrices',
      '6764000bacd942c4ec04400000fa40003a9803c50a6580',
      [100, 0, 11, 176, 144, rate, true],
    ],
    [
      'own aspect ratio',
      '6764000bacd942c4effc024001e4400000fa40003a9803c50a6580',
      [100, 0, 11, 176, 144, rate, true],
    ],
  ] as const) {
    it(`reads one with ${name}`, () => {
      const found = parseSps(fromHex(hex));
      assert.ok(found);
      const { profile, constraints, level, width, height, frameRate, progressive } = found;
      assert.deepEqual([profile, constraints, level, width, height, frameRate, progressive], expected);
    });
  }

  it('refuses what is cut off, random or impossibly large', () => {
    assert.equal(parseSps(sps.subarray(0, 6)), undefined);
    assert.equal(parseSps(new Uint8Array(0)), undefined);
    assert.equal(parseSps(new Uint8Array(64)), undefined);
    for (let i = 0; i < 2000; i++) parseSps(concat(Uint8Array.of(0x67), random.bytes(random.below(40))));
  });
});

describe('H.264 access units', () => {
  it('are random access points when SPS and PPS come with the IDR picture', () => {
    const { frames, push } = h264();
    push(h264Unit(random, 'idr', 100), 0);
    push(h264Unit(random, 'p', 100), 3600);
    push(h264Unit(random, 'idr-bare', 100), 7200);
    assert.deepEqual(
      frames.map((f) => [f.randomAccess, f.keyFrame, f.pts]),
      [
        [true, true, 0],
        [false, false, 3600],
        [false, true, 7200],
      ],
    );
  });

  it('carry a config that stays the same object until it changes', () => {
    const { frames, push } = h264();
    push(h264Unit(random, 'idr', 100), 0);
    push(h264Unit(random, 'idr', 100), 3600);
    const [one, two] = frames;
    assert.ok(one?.config?.codec === 'h264');
    assert.equal(one.config, two?.config);
    assert.equal(one.config.codecString, 'avc1.42c00d');
    assert.deepEqual([one.config.width, one.config.height, one.config.frameDuration], [320, 240, 3003]);
    assert.deepEqual([one.config.sps, one.config.pps], [sps, [pps]]);
    const other = fromHex('6764000bacd942c4ec04400000fa40003a9803c50a6580');
    const start = Uint8Array.of(0, 0, 0, 1);
    push(concat(start, other, start, pps, start, Uint8Array.of(0x65, 0x88)), 7200);
    assert.notEqual(frames[2]?.config, one.config);
    assert.equal(frames[2]?.config?.codec === 'h264' && frames[2].config.width, 176);
  });

  it('are told apart where a PES packet holds several, with times at the frame rate', () => {
    for (const delimiter of [true, false]) {
      const { frames, push } = h264();
      const units = [h264Unit(random, 'idr', 50), h264Unit(random, 'p', 60), h264Unit(random, 'p', 70)];
      const inside = delimiter ? units : units.map((unit) => unit.subarray(6));
      push(concat(...inside), 900);
      assert.deepEqual(
        frames.map((f) => f.pts),
        [900, 3903, 6906],
      );
      assert.deepEqual(
        frames.map((f) => f.data),
        inside,
      );
    }
  });

  it('keep several slices of one picture together', () => {
    const { frames, push } = h264();
    const start = Uint8Array.of(0, 0, 1);
    const slice = (first: number) => concat(start, Uint8Array.of(0x41, first), filler(random, 30));
    push(h264Unit(random, 'idr', 30), 0);
    push(concat(slice(0x9a), slice(0x42), slice(0x22)), 3600);
    assert.equal(frames.length, 2);
  });

  it('keep both fields of a frame together', () => {
    const { frames, push } = h264();
    const interlaced = fromHex('67640028acd94078044fde022000007d20001d4c03e2c5b2c0');
    const start = Uint8Array.of(0, 0, 0, 1);
    const field = concat(start, Uint8Array.of(0x65, 0x88), filler(random, 30));
    push(concat(start, interlaced, start, pps, field, field), 0);
    assert.equal(frames.length, 1);
  });

  it('without any time stamp are left out, and counted', () => {
    const { frames, faults, push } = h264();
    push(h264Unit(random, 'idr', 50), undefined);
    push(h264Unit(random, 'p', 50), 3600);
    push(h264Unit(random, 'p', 50), undefined);
    assert.deepEqual(faults, ['no-timestamp']);
    assert.deepEqual(
      frames.map((f) => f.pts),
      [3600, 6603],
    );
  });

  it('report a parameter set that cannot be read, and go on', () => {
    const { frames, faults, push } = h264();
    push(concat(Uint8Array.of(0, 0, 1, 0x67, 1), Uint8Array.of(0, 0, 1, 0x65, 0x88)), 0);
    assert.deepEqual([faults, frames.length, frames[0]?.config], [['header'], 1, undefined]);
  });
});

describe('MPEG video access units', () => {
  for (const version of [1, 2] as const) {
    it(`of MPEG-${version} are random access points at an intra picture with sequence header`, () => {
      const { frames, push } = mpeg();
      push(mpegVideoUnit(random, version, true, 90), 0);
      push(mpegVideoUnit(random, version, false, 90), 3600);
      assert.deepEqual(
        frames.map((f) => [f.randomAccess, f.keyFrame, f.codec]),
        [
          [true, true, `mpeg${version}video`],
          [false, false, `mpeg${version}video`],
        ],
      );
      assert.deepEqual(frames[1]?.config, {
        codec: `mpeg${version}video`,
        width: 320,
        height: 240,
        frameRate: 25,
        frameDuration: 3600,
        profileAndLevel: version === 2 ? 0x48 : undefined,
      });
    });
  }

  it('are told apart where a PES packet holds several', () => {
    const { frames, push } = mpeg();
    const units = [true, false, false].map((intra) => mpegVideoUnit(random, 1, intra, 40));
    push(concat(...units), 0);
    assert.deepEqual(
      frames.map((f) => f.pts),
      [0, 3600, 7200],
    );
    assert.deepEqual(
      frames.map((f) => f.data),
      units,
    );
  });

  it('keep both fields of a frame together', () => {
    const { frames, push } = mpeg();
    const field = (structure: number) =>
      concat(
        Uint8Array.of(0, 0, 1, 0, 0, 0x0f, 0xff, 0xf8),
        Uint8Array.of(0, 0, 1, 0xb5, 0x8f, 0xff, 0xf0 | structure, 0x41, 0x80),
        Uint8Array.of(0, 0, 1, 1),
        filler(random, 30),
      );
    push(concat(field(1), field(2), field(1), field(2)), 0);
    assert.equal(frames.length, 2);
  });

  it('report a sequence header without a size', () => {
    const { faults, push } = mpeg();
    push(Uint8Array.of(0, 0, 1, 0xb3, 0, 0, 0, 0x13, 0, 0, 1, 0, 0, 8), 0);
    assert.deepEqual(faults, ['header']);
  });
});
