import { concat } from '../bytes.ts';
import { PacketWriter } from '../packet/write.ts';
import { writePes } from '../pes/write.ts';
import type { Descriptor } from '../psi/descriptors.ts';
import type { PmtStream } from '../psi/tables.ts';
import { descriptors, writePat, writePmt } from '../psi/write.ts';
import { ticks27M, ticks90k } from '../time.ts';
import { Random } from './random.ts';

const fromHex = (hex: string): Uint8Array =>
  Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

/** Parameter sets that x264 wrote for 320×240 at 29.97/s, baseline. */
export const sps = fromHex('6742c00dd90141fb011000003e90000ea600f142a480');
export const pps = fromHex('68cb83cb20');

/** Parameter sets that x265 wrote for 322×244 at 25/s, main profile. */
export const hevcSets = {
  vps: fromHex('40010c01ffff01600000030090000003000003003c959409'),
  sps: fromHex('42010101600000030090000003000003003ca00a880407113e595952930bc05a020000030002000003003210'),
  pps: fromHex('4401c073c189'),
} as const;

const START = Uint8Array.of(0, 0, 0, 1);

/** Bytes in which no start code and no sync word hides. */
export const filler = (random: Random, length: number): Uint8Array =>
  Uint8Array.from({ length }, () => 0x10 + random.below(0xe0));

/** An H.264 access unit with delimiter; the picture itself is filler. */
export function h264Unit(random: Random, kind: 'idr' | 'idr-bare' | 'p', size: number): Uint8Array {
  const sets = kind === 'idr' ? [START, sps, START, pps] : [];
  const slice = Uint8Array.of(kind === 'p' ? 0x41 : 0x65, 0x9a);
  return concat(START, Uint8Array.of(9, 0xf0), ...sets, START, slice, filler(random, size));
}

/** ISO/IEC 23008-2 table 7-1: nal_unit_type of the slices that {@link hevcUnit} makes. */
const hevcSlices = { idr: 19, cra: 21, 'idr-bare': 19, p: 1 } as const;

/** An H.265 access unit with delimiter; the picture itself is filler. */
export function hevcUnit(random: Random, kind: keyof typeof hevcSlices, size: number): Uint8Array {
  const { vps, sps, pps } = hevcSets;
  const sets = kind === 'idr' || kind === 'cra' ? [START, vps, START, sps, START, pps] : [];
  // first_slice_segment_in_pic_flag is 1
  const slice = Uint8Array.of(hevcSlices[kind] << 1, 1, 0xaf);
  return concat(START, Uint8Array.of(0x46, 1, 0x50), ...sets, START, slice, filler(random, size));
}

/** An MPEG video access unit: with a sequence header and an intra picture, or a predicted one. */
export function mpegVideoUnit(random: Random, version: 1 | 2, intra: boolean, size: number): Uint8Array {
  const code = (value: number, ...rest: number[]) => Uint8Array.of(0, 0, 1, value, ...rest);
  // 320×240, 4:3, 25/s; MPEG-2 with sequence and picture coding extension
  const sequence = concat(
    code(0xb3, 0x14, 0x00, 0xf0, 0x23, 0xff, 0xff, 0xe0, 0x18),
    version === 2 ? code(0xb5, 0x14, 0x8a, 0x00, 0x01, 0x00, 0x00) : new Uint8Array(0),
    code(0xb8, 0x00, 0x08, 0x00, 0x40),
  );
  return concat(
    intra ? sequence : new Uint8Array(0),
    code(0x00, 0x00, intra ? 0x0f : 0x17, 0xff, 0xf8),
    version === 2 ? code(0xb5, 0x8f, 0xff, 0xf3, 0x41, 0x80) : new Uint8Array(0),
    code(0x01),
    filler(random, size),
  );
}

/** An AAC frame, 44,100 Hz stereo. */
export function adtsFrame(random: Random, size: number): Uint8Array {
  const length = size + 7;
  const header = [
    0xff,
    0xf1,
    0x50,
    0x80 | (length >> 11),
    (length >> 3) & 0xff,
    ((length & 7) << 5) | 0x1f,
    0xfc,
  ];
  return concat(Uint8Array.from(header), filler(random, size));
}

/** Bits as bytes: each pair is how many and which, the last byte is filled up with zeros. */
export function packBits(...fields: readonly (readonly [count: number, value: number])[]): Uint8Array {
  const bits = fields.flatMap(([count, value]) =>
    Array.from({ length: count }, (_, i) => Math.floor(value / 2 ** (count - 1 - i)) % 2),
  );
  const bytes = new Uint8Array(Math.ceil(bits.length / 8));
  for (const [i, bit] of bits.entries()) bytes[i >> 3] = (bytes[i >> 3] ?? 0) | (bit << (7 - (i & 7)));
  return bytes;
}

/** A LOAS frame around `payload`, 44,100 Hz stereo, as ffmpeg writes them: with its StreamMuxConfig or without. */
export function latmFrame(payload: Uint8Array, withConfig: boolean): Uint8Array {
  const mux: [number, number][] = [
    [1, 0], // audioMuxVersion
    [1, 1], // allStreamsSameTimeFraming
    [13, 0], // numSubFrames, numProgram, numLayer
    [16, 0x1210], // AudioSpecificConfig: AAC-LC
    [3, 0], // frameLengthType
    [8, 0xff], // latmBufferFullness
    [2, 0], // otherDataPresent, crcCheckPresent
  ];
  const length: [number, number][] = Array.from({ length: Math.floor(payload.length / 255) }, () => [8, 255]);
  const element = packBits(
    ...(withConfig ? ([[1, 0], ...mux] as const) : ([[1, 1]] as const)),
    ...length,
    [8, payload.length % 255],
    ...Array.from(payload, (byte): [number, number] => [8, byte]),
  );
  return concat(packBits([11, 0x2b7], [13, element.length]), element);
}

/** An MPEG-1 audio frame, 48,000 Hz stereo: layer II at 192 kbit/s, layer III at 128 kbit/s. */
export function mpegAudioFrame(random: Random, layer: 2 | 3): Uint8Array {
  const header = layer === 2 ? [0xff, 0xfd, 0xa4, 0x00] : [0xff, 0xfb, 0x94, 0x00];
  return concat(Uint8Array.from(header), filler(random, (layer === 2 ? 576 : 384) - 4));
}

/** An Opus packet of 20 ms with its control header. */
export function opusUnit(random: Random, size: number): Uint8Array {
  const lacing = [...Array<number>(Math.floor(size / 255)).fill(255), size % 255];
  return concat(Uint8Array.of(0x7f, 0xe0, ...lacing), Uint8Array.of(0xfc), filler(random, size - 1));
}

/** A KLV item (SMPTE ST 336): a universal key, a length in one byte, a value. */
export function klvUnit(random: Random, size: number): Uint8Array {
  const key = fromHex('060e2b34020b01010e01030101000000');
  return concat(key, Uint8Array.of(size & 0x7f), filler(random, size & 0x7f));
}

/** An ID3v2.4 tag with a private frame. */
export function id3Unit(random: Random, size: number): Uint8Array {
  const frame = concat(
    fromHex('50524956'),
    Uint8Array.of(0, 0, 0, size & 0x7f, 0, 0),
    filler(random, size & 0x7f),
  );
  return concat(fromHex('494433040000'), Uint8Array.of(0, 0, 0, frame.length & 0x7f), frame);
}

/** Metadata access unit cells around `unit`, of at most `most` bytes each (ISO/IEC 13818-1 2.12.4). */
export function metadataCells(unit: Uint8Array, most = 65_535): Uint8Array {
  const cells: Uint8Array[] = [];
  for (let at = 0; at < unit.length; at += most) {
    const part = unit.subarray(at, at + most);
    const fragment = (at === 0 ? 2 : 0) | (at + most >= unit.length ? 1 : 0);
    const header = [0, cells.length & 0xff, (fragment << 6) | 0x1f, part.length >> 8, part.length & 0xff];
    cells.push(Uint8Array.from(header), part);
  }
  return concat(...cells);
}

/** `klv` without time stamps, `klv_sync` in cells, as SMPTE ST 1402 has them; ID3 as HTTP Live Streaming has it. */
export type TestData = 'klv' | 'klv_sync' | 'timed_id3';

const dataOf = {
  klv: { streamType: 6, descriptors: [descriptors.registration('KLVA')], streamId: 0xbd },
  klv_sync: { streamType: 0x15, descriptors: [descriptors.metadata('KLVA')], streamId: 0xfc },
  timed_id3: { streamType: 0x15, descriptors: [descriptors.metadata('ID3 ')], streamId: 0xbd },
} as const;

export type TestVideo = 'h264' | 'hevc' | 'mpeg1video' | 'mpeg2video';
export type TestAudio = 'aac' | 'aac_latm' | 'mp2' | 'mp3' | 'opus';

const streamTypes = {
  h264: 0x1b,
  hevc: 0x24,
  mpeg1video: 1,
  mpeg2video: 2,
  aac: 0x0f,
  aac_latm: 0x11,
  mp2: 3,
  mp3: 4,
  opus: 6,
} as const;

export interface TestStreamOptions {
  readonly video?: TestVideo;
  readonly audio?: TestAudio;
  readonly data?: TestData;
  /** Pictures; sound as long. Default 10. */
  readonly pictures?: number;
  /** A random access point each so many pictures. Default 5. */
  readonly group?: number;
  /** Video PES packets tell their length. Default true. */
  readonly bounded?: boolean;
  /** First presentation time, in ticks of 90 kHz. Default 126000. */
  readonly start?: number;
  readonly seed?: number;
}

export const testPids = { pmt: 0x1000, video: 0x100, audio: 0x101, data: 0x102 } as const;

const PICTURE_TICKS = 3600;

/** A stream of one program as an encoder would send it, with its tables before each random access point. */
export function testStream(options: TestStreamOptions): Uint8Array {
  const { video, audio, data, pictures = 10, group = 5, bounded = true, start = 126_000, seed = 7 } = options;
  const random = new Random(seed);
  const writer = new PacketWriter();
  const streams: PmtStream[] = [];
  if (video) streams.push({ pid: testPids.video, streamType: streamTypes[video], descriptors: [] });
  if (audio) {
    const list: Descriptor[] = [descriptors.language('deu')];
    if (audio === 'opus') list.push(descriptors.registration('Opus'), descriptors.opusChannels(2));
    streams.push({ pid: testPids.audio, streamType: streamTypes[audio], descriptors: list });
  }
  if (data) streams.push({ pid: testPids.data, ...dataOf[data] });
  const pcrPid = video ? testPids.video : testPids.audio;
  const pat = writePat({ programs: [{ programNumber: 1, pmtPid: testPids.pmt }] });
  const pmt = writePmt({ programNumber: 1, version: 0, pcrPid, descriptors: [], streams });
  const parts: Uint8Array[] = [];
  const sound = audio && soundOf(random, audio);
  let soundAt = 0;
  for (let i = 0; i < pictures; i++) {
    const at = i * PICTURE_TICKS;
    const key = i % group === 0;
    const pcr = ticks27M((start + at - 9_000) * 300);
    if (key) parts.push(writer.section(0, pat), writer.section(testPids.pmt, pmt));
    if (video) {
      const size = key ? 2000 + random.below(3000) : 20 + random.below(900);
      const unit = pictureOf(random, video, key, size);
      const pes = writePes({ streamId: 0xe0, pts: ticks90k(start + at), bounded }, unit);
      parts.push(writer.pes(testPids.video, pes, { pcr, randomAccess: key }));
    }
    if (data) {
      const unit = data === 'timed_id3' ? id3Unit(random, 40) : klvUnit(random, 60);
      const { streamId } = dataOf[data];
      const timed = data === 'klv' ? { streamId } : { streamId, pts: ticks90k(start + at) };
      const payload = data === 'klv_sync' ? metadataCells(unit, 40) : unit;
      parts.push(writer.pes(testPids.data, writePes(timed, payload), { randomAccess: true }));
    }
    while (sound && soundAt <= at) {
      const { bytes, duration } = sound();
      const streamId = audio === 'opus' ? 0xbd : 0xc0;
      const pes = writePes({ streamId, pts: ticks90k(Math.round(start + soundAt)) }, bytes);
      parts.push(
        writer.pes(testPids.audio, pes, video ? { randomAccess: true } : { pcr, randomAccess: true }),
      );
      soundAt += duration;
    }
  }
  return concat(...parts);
}

function pictureOf(random: Random, video: TestVideo, key: boolean, size: number): Uint8Array {
  if (video === 'h264') return h264Unit(random, key ? 'idr' : 'p', size);
  if (video === 'hevc') return hevcUnit(random, key ? 'cra' : 'p', size);
  return mpegVideoUnit(random, video === 'mpeg1video' ? 1 : 2, key, size);
}

/** One or two frames for each PES packet. */
function soundOf(random: Random, audio: TestAudio): () => { bytes: Uint8Array; duration: number } {
  let frames = 0;
  const frame = () => {
    if (audio === 'aac_latm') return latmFrame(filler(random, 50 + random.below(300)), frames++ % 8 === 0);
    if (audio === 'aac') return adtsFrame(random, 50 + random.below(300));
    if (audio === 'opus') return opusUnit(random, 40 + random.below(400));
    return mpegAudioFrame(random, audio === 'mp2' ? 2 : 3);
  };
  const ticks = audio.startsWith('aac') ? (1024 * 90_000) / 44_100 : audio === 'opus' ? 1800 : 2160;
  return () => {
    const count = 1 + random.below(2);
    return { bytes: concat(...Array.from({ length: count }, frame)), duration: ticks * count };
  };
}
