import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { concat } from '../bytes.ts';
import { Random } from '../testing/random.ts';
import { filler, latmFrame, packBits } from '../testing/streams.ts';
import { ticks90k } from '../time.ts';
import { AudioFramer } from './audio.ts';
import { readAudioSpecificConfig } from './audio-specific-config.ts';
import { BitReader } from './bits.ts';
import type { Frame } from './framer.ts';
import { LatmFormat, latmPayload } from './latm.ts';

const random = new Random(51);

function collect() {
  const frames: Frame[] = [];
  const faults: [string, number][] = [];
  const framer = new AudioFramer(new LatmFormat(), {
    onFrame: (frame) => frames.push(frame),
    onFault: (fault, bytes) => faults.push([fault, bytes]),
  });
  const push = (payload: Uint8Array, pts?: number) =>
    framer.push({
      payload,
      pts: pts === undefined ? undefined : ticks90k(pts),
      dts: undefined,
      randomAccess: true,
      damaged: false,
    });
  return { frames, faults, framer, push };
}

const frame = (withConfig: boolean, size = 100) => latmFrame(filler(random, size), withConfig);

/** A StreamMuxConfig and what is after it, in a LOAS frame. */
const loas = (...fields: [number, number][]): Uint8Array => {
  const element = packBits([1, 0], ...fields);
  return concat(packBits([11, 0x2b7], [13, element.length]), element);
};

describe('AAC in LATM', () => {
  it('gives each frame of a PES packet its own time, without adding up fractions', () => {
    const { frames, push } = collect();
    const many = Array.from({ length: 40 }, (_, i) => frame(i % 20 === 0));
    push(concat(...many), 1000);
    assert.deepEqual(
      frames.map((f) => f.data),
      many,
    );
    assert.deepEqual(
      frames.map((f) => f.pts),
      many.map((_, i) => Math.round(1000 + (i * 1024 * 90_000) / 44_100)),
    );
  });

  it('can be decoded from where its StreamMuxConfig is', () => {
    const { frames, push } = collect();
    push(concat(frame(true), frame(false), frame(true)), 0);
    assert.deepEqual(
      frames.map((f) => f.randomAccess),
      [true, false, true],
    );
  });

  it('describes itself for a decoder, by the same object until it changes', () => {
    const { frames, push } = collect();
    push(concat(frame(true), frame(false), frame(true)), 0);
    assert.deepEqual(frames[0]?.config, {
      codec: 'aac_latm',
      codecString: 'mp4a.40.2',
      sampleRate: 44_100,
      channels: 2,
      objectType: 2,
      audioSpecificConfig: Uint8Array.of(0x12, 0x10),
    });
    assert.equal(frames[2]?.config, frames[0]?.config);
  });

  it('before its first StreamMuxConfig is delivered where its time is told, undescribed', () => {
    const { frames, push } = collect();
    push(frame(false), 0);
    push(frame(false), 2090);
    push(frame(true), 4180);
    assert.deepEqual(
      frames.map((f) => [f.pts, f.duration, f.config?.codec]),
      [
        [0, undefined, undefined],
        [2090, undefined, undefined],
        [4180, 2090, 'aac_latm'],
      ],
    );
  });

  it('joins frames that go over PES packets, cut anywhere', () => {
    const many = Array.from({ length: 30 }, (_, i) => frame(i % 7 === 0, 30 + random.below(600)));
    const bytes = concat(...many);
    for (const size of [1, 10, 333]) {
      const { frames, faults, push } = collect();
      for (let at = 0; at < bytes.length; at += size)
        push(bytes.subarray(at, at + size), at === 0 ? 0 : undefined);
      assert.deepEqual(faults, []);
      assert.deepEqual(
        frames.map((f) => f.data),
        many,
      );
    }
  });

  it('gives back the raw frame, of any length', () => {
    for (const size of [0, 1, 254, 255, 256, 509, 510, 511, 2000]) {
      const payload = random.bytes(size);
      for (const withConfig of [true, false])
        assert.deepEqual(latmPayload(latmFrame(payload, withConfig)), payload, `${size} bytes`);
    }
    assert.equal(latmPayload(latmFrame(random.bytes(300), false).subarray(0, 200)), undefined);
    assert.equal(latmPayload(Uint8Array.of(1, 2, 3, 4)), undefined);
  });

  it('reads audioMuxVersion 1, other data and a checksum', () => {
    const { frames, push } = collect();
    // HE-AAC told explicitly: SBR over 24,000 Hz, one channel
    const config: [number, number][] = [
      [5, 5],
      [4, 6],
      [4, 1],
      [4, 3],
      [5, 2],
      [3, 0],
    ];
    push(
      loas(
        [1, 1], // audioMuxVersion
        [1, 0], // audioMuxVersionA
        [2, 0], // taraBufferFullness
        [8, 0xff],
        [1, 1],
        [13, 0],
        [2, 0], // ascLen: 25 bits of config, 7 to fill it up
        [8, 32],
        ...config,
        [7, 0],
        [3, 0],
        [8, 0xff],
        [1, 1], // otherDataPresent
        [2, 0],
        [8, 16],
        [1, 1], // crcCheckPresent
        [8, 0x5a],
        [8, 2],
        [16, 0xabcd],
      ),
      0,
    );
    const told = frames[0]?.config;
    assert.ok(told?.codec === 'aac_latm');
    assert.deepEqual([told.codecString, told.sampleRate, told.channels], ['mp4a.40.5', 48_000, 1]);
    assert.equal(told.audioSpecificConfig.length, 4);
    assert.equal(frames[0]?.duration, 3840, '1024 samples of the core');
    assert.deepEqual(latmPayload(frames[0].data), Uint8Array.of(0xab, 0xcd));
  });

  it('reports what it does not follow: several frames in an element, layers, codecs that are not AAC', () => {
    const { frames, faults, push } = collect();
    const end: [number, number] = [24, 0];
    for (const fields of [
      [[1, 0], [1, 1], [6, 1], [7, 0], [16, 0x1210], end],
      [[1, 0], [1, 1], [6, 0], [7, 1], [16, 0x1210], end],
      [[1, 0], [1, 1], [13, 0], [16, (8 << 11) | 0x210], end],
      [[1, 1], [1, 1], end],
    ] as [number, number][][])
      push(loas(...fields), 0);
    assert.deepEqual(frames, []);
    assert.deepEqual(
      faults.map(([fault]) => fault),
      ['header', 'header', 'header', 'header'],
    );
  });
});

describe('readAudioSpecificConfig', () => {
  const read = (...fields: [number, number][]) => readAudioSpecificConfig(new BitReader(packBits(...fields)));

  it('reads rates spelt out, short frames, PS and AAC-LD', () => {
    const spelt = read([5, 2], [4, 15], [24, 44_000], [4, 2], [1, 1], [2, 0]);
    assert.deepEqual([spelt?.sampleRate, spelt?.channels, spelt?.samples], [44_000, 2, 960]);
    const ps = read([5, 29], [4, 6], [4, 1], [4, 3], [5, 2], [3, 0]);
    assert.deepEqual([ps?.objectType, ps?.sampleRate, ps?.coreRate, ps?.channels], [29, 48_000, 24_000, 2]);
    const low = read([5, 23], [4, 3], [4, 1], [3, 0], [2, 0]);
    assert.deepEqual([low?.objectType, low?.samples], [23, 512]);
  });

  it('refuses reserved rates, channels that are spelt out, error protection and what is cut off', () => {
    assert.equal(read([5, 2], [4, 13], [4, 2], [3, 0]), undefined);
    assert.equal(read([5, 2], [4, 4], [4, 0], [3, 0]), undefined);
    assert.equal(read([5, 17], [4, 4], [4, 2], [3, 0], [2, 1]), undefined);
    assert.equal(read([5, 2]), undefined);
  });
});
