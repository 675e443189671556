import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { concat } from '../bytes.ts';
import { Random } from '../testing/random.ts';
import { adtsFrame, filler, mpegAudioFrame, opusUnit } from '../testing/streams.ts';
import { ticks90k } from '../time.ts';
import { adts, adtsHeaderBytes } from './adts.ts';
import { type AudioFormat, AudioFramer } from './audio.ts';
import type { Frame, FramerSink } from './framer.ts';
import { mpegAudio } from './mpeg-audio.ts';
import { OpusFramer, opusDuration } from './opus.ts';

const random = new Random(31);

function collect(format: AudioFormat) {
  const frames: Frame[] = [];
  const faults: [string, number][] = [];
  const sink: FramerSink = {
    onFrame: (frame) => frames.push(frame),
    onFault: (fault, bytes) => faults.push([fault, bytes]),
  };
  const framer = new AudioFramer(format, sink);
  const push = (payload: Uint8Array, pts?: number, damaged = false) =>
    framer.push({
      payload,
      pts: pts === undefined ? undefined : ticks90k(pts),
      dts: undefined,
      randomAccess: true,
      damaged,
    });
  return { frames, faults, framer, push };
}

describe('AAC with ADTS', () => {
  it('gives each frame of a PES packet its own time, without adding up fractions', () => {
    const { frames, push } = collect(adts);
    const many = Array.from({ length: 40 }, () => adtsFrame(random, 60));
    push(concat(...many), 1000);
    assert.deepEqual(
      frames.map((f) => f.data),
      many,
    );
    assert.deepEqual(
      frames.map((f) => f.pts),
      many.map((_, i) => Math.round(1000 + (i * 1024 * 90_000) / 44_100)),
    );
    assert.equal(frames[0]?.duration, 2090);
    assert.equal(
      frames.every((f) => f.randomAccess),
      true,
    );
  });

  it('describes itself for a decoder', () => {
    const { frames, push } = collect(adts);
    push(adtsFrame(random, 60), 0);
    assert.deepEqual(frames[0]?.config, {
      codec: 'aac',
      codecString: 'mp4a.40.2',
      sampleRate: 44_100,
      channels: 2,
      objectType: 2,
      audioSpecificConfig: Uint8Array.of(0x12, 0x10),
    });
    assert.equal(adtsHeaderBytes(frames[0].data), 7);
  });

  it('joins frames that go over PES packets, cut anywhere', () => {
    const many = Array.from({ length: 30 }, () => adtsFrame(random, 30 + random.below(200)));
    const bytes = concat(...many);
    for (let round = 0; round < 40; round++) {
      const { frames, faults, push } = collect(adts);
      for (let at = 0; at < bytes.length; ) {
        const size = 1 + random.below(400);
        push(bytes.subarray(at, at + size), at === 0 ? 0 : undefined);
        at += size;
      }
      assert.deepEqual(
        frames.map((f) => f.data),
        many,
      );
      assert.deepEqual(faults, []);
      assert.equal(frames.at(-1)?.pts, Math.round((29 * 1024 * 90_000) / 44_100));
    }
  });

  it('takes a time stamp for the first frame that begins in its PES packet', () => {
    const { frames, push } = collect(adts);
    const [one, two, three] = [60, 61, 62].map((size) => adtsFrame(random, size)) as [
      Uint8Array,
      Uint8Array,
      Uint8Array,
    ];
    push(concat(one, two.subarray(0, 20)), 1000);
    push(concat(two.subarray(20), three), 50_000);
    assert.deepEqual(
      frames.map((f) => f.pts),
      [1000, 3090, 50_000],
    );
  });

  it('gives a frame whose begin alone fills its PES packet the time of that', () => {
    const { frames, push } = collect(adts);
    const frame = adtsFrame(random, 60);
    push(frame.subarray(0, 20), 1000);
    push(concat(frame.subarray(20), adtsFrame(random, 9)), 5000);
    assert.deepEqual(
      frames.map((f) => f.pts),
      [1000, 5000],
    );
  });

  it('passes over bytes that are no frame, and says how many', () => {
    const { frames, faults, push } = collect(adts);
    push(concat(filler(random, 33), adtsFrame(random, 60), adtsFrame(random, 60)), 0);
    push(
      concat(adtsFrame(random, 60), filler(random, 5), adtsFrame(random, 60), adtsFrame(random, 61)),
      9000,
    );
    assert.equal(frames.length, 5);
    assert.deepEqual(faults, [
      ['sync', 33],
      ['sync', 5],
    ]);
  });

  it('does not join what is on both sides of a loss', () => {
    const { frames, faults, framer, push } = collect(adts);
    const frame = adtsFrame(random, 60);
    push(frame.subarray(0, 30), 0);
    framer.lost();
    push(concat(frame.subarray(30), adtsFrame(random, 60), adtsFrame(random, 60)), 9000);
    assert.equal(frames.length, 2);
    assert.deepEqual(faults, [
      ['incomplete', 30],
      ['sync', 37],
    ]);
  });
});

describe('MPEG audio', () => {
  for (const [layer, codec, bytes] of [
    [2, 'mp2', 576],
    [3, 'mp3', 384],
  ] as const) {
    it(`of layer ${layer} is ${codec}`, () => {
      const { frames, push } = collect(mpegAudio);
      push(concat(mpegAudioFrame(random, layer), mpegAudioFrame(random, layer)), 0);
      assert.deepEqual(
        frames.map((f) => [f.codec, f.pts, f.data.length]),
        [
          [codec, 0, bytes],
          [codec, 2160, bytes],
        ],
      );
      assert.deepEqual(frames[0]?.config, { codec, sampleRate: 48_000, channels: 2 });
    });
  }

  it('has frames of the length and duration that the standards say', () => {
    const header = (...bytes: number[]) => mpegAudio.parse(Uint8Array.from(bytes), 0);
    assert.deepEqual(pick(header(0xff, 0xfb, 0x92, 0x44)), [418, 1152, 44_100], '128 kbit/s, padded');
    assert.deepEqual(pick(header(0xff, 0xfb, 0x90, 0x44)), [417, 1152, 44_100]);
    assert.deepEqual(pick(header(0xff, 0xf3, 0x84, 0xc4)), [192, 576, 24_000], 'MPEG-2 layer III, 64 kbit/s');
    assert.deepEqual(
      pick(header(0xff, 0xe3, 0x48, 0xc4)),
      [288, 576, 8_000],
      'MPEG-2.5 layer III, 32 kbit/s',
    );
    assert.deepEqual(pick(header(0xff, 0xff, 0xc4, 0x00)), [384, 384, 48_000], 'layer I, 384 kbit/s');
    assert.deepEqual(pick(header(0xff, 0xf5, 0x84, 0x00)), [384, 1152, 24_000], 'MPEG-2 layer II, 64 kbit/s');
  });

  it('refuses what the standards forbid', () => {
    for (const bytes of [
      [0xff, 0xf9, 0x90, 0],
      [0xff, 0xfb, 0x00, 0],
      [0xff, 0xfb, 0xf0, 0],
      [0xff, 0xfb, 0x9c, 0],
      [0xff, 0xeb, 0x90, 0],
      [0xfe, 0xfb, 0x90, 0],
    ]) {
      assert.equal(mpegAudio.parse(Uint8Array.from(bytes), 0), undefined, bytes.join(' '));
    }
  });
});

describe('Opus', () => {
  function opus(channels: number | undefined) {
    const frames: Frame[] = [];
    const faults: string[] = [];
    const framer = new OpusFramer(channels, {
      onFrame: (frame) => frames.push(frame),
      onFault: (fault) => faults.push(fault),
    });
    const push = (payload: Uint8Array, pts?: number) =>
      framer.push({
        payload,
        pts: pts === undefined ? undefined : ticks90k(pts),
        dts: undefined,
        randomAccess: true,
        damaged: false,
      });
    return { frames, faults, push };
  }

  it('comes without its control headers, each packet with its own time', () => {
    const { frames, faults, push } = opus(2);
    const sizes = [1, 40, 254, 255, 256, 510, 600];
    push(concat(...sizes.map((size) => opusUnit(random, size))), 500);
    assert.deepEqual(faults, []);
    assert.deepEqual(
      frames.map((f) => f.data.length),
      sizes,
    );
    assert.deepEqual(
      frames.map((f) => f.pts),
      sizes.map((_, i) => 500 + i * 1800),
    );
    assert.deepEqual(frames[0]?.config, { codec: 'opus', sampleRate: 48_000, channels: 2, channelConfig: 2 });
  });

  it('reads past trims and an extension', () => {
    const { frames, push } = opus(undefined);
    const header = Uint8Array.of(0x7f, 0xfc, 3, 0, 120, 0, 60, 2, 9, 9);
    push(concat(header, Uint8Array.of(0xfc, 1, 2)), 0);
    assert.deepEqual(frames[0]?.data, Uint8Array.of(0xfc, 1, 2));
  });

  it('reports a control header that is none, and one that announces too much', () => {
    const { frames, faults, push } = opus(1);
    push(Uint8Array.of(1, 2, 3), 0);
    push(Uint8Array.of(0x7f, 0xe0, 9, 0xfc), 0);
    push(Uint8Array.of(0x7f, 0xe0, 0), 0);
    assert.deepEqual([frames.length, faults], [0, ['header', 'incomplete', 'header']]);
  });

  it('lasts as long as RFC 6716 says', () => {
    const ticks = (...bytes: number[]) => opusDuration(Uint8Array.from(bytes));
    assert.equal(ticks(0x00), 900, 'SILK 10 ms');
    assert.equal(ticks(0x18), 5400, 'SILK 60 ms');
    assert.equal(ticks(0x68), 1800, 'hybrid 20 ms');
    assert.equal(ticks(0x80), 225, 'CELT 2.5 ms');
    assert.equal(ticks(0xf9), 3600, 'two of 20 ms');
    assert.equal(ticks(0xfb, 3), 5400, 'three of 20 ms');
    assert.equal(ticks(), 0);
  });
});

const pick = (header: ReturnType<typeof mpegAudio.parse>) =>
  header && [header.bytes, header.samples, header.sampleRate];
