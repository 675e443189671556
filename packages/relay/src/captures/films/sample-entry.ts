import { boxesOf, inside } from './boxes.ts';

/** How pictures are encoded. */
export interface PictureCoding {
  readonly codec: 'h264' | 'hevc' | 'av1' | 'vp9';
  /** What a decoder is set up with; equal for segments of one encoder. */
  readonly setup: string;
  /** The same as NAL units without their length, to be sent before a key frame. None for codecs that need no such. */
  readonly parameterSets: readonly Buffer[];
}

/** How sound is encoded. Two of equal `setup` can follow each other as they are. */
export interface SoundCoding {
  readonly codec: 'aac' | 'mp3' | 'ac3';
  /** In Hz. */
  readonly rate: number;
  readonly channels: number;
  readonly setup: string;
}

/** Bytes of ISO/IEC 14496-12 12.1.3 (VisualSampleEntry) and 12.2.3 (AudioSampleEntry) before their boxes. */
const PICTURE_ENTRY_BYTES = 86;
const SOUND_ENTRY_BYTES = 36;

/** @param entry the whole box. @returns `undefined` for what browsers do not show, or what is out of the ordinary. */
export function pictureCodingOf(entry: Buffer): PictureCoding | undefined {
  const boxes = entry.subarray(PICTURE_ENTRY_BYTES);
  switch (entry.toString('latin1', 4, 8)) {
    case 'avc1':
    case 'avc3':
      return fromConfiguration('h264', inside(boxes, 'avcC'), avcSets);
    case 'hvc1':
    case 'hev1':
      return fromConfiguration('hevc', inside(boxes, 'hvcC'), hevcSets);
    case 'av01':
      return { codec: 'av1', setup: '', parameterSets: [] };
    case 'vp09':
      return { codec: 'vp9', setup: '', parameterSets: [] };
    default:
      return undefined;
  }
}

function fromConfiguration(
  codec: 'h264' | 'hevc',
  configuration: Buffer,
  setsOf: (configuration: Buffer) => Buffer[] | undefined,
): PictureCoding | undefined {
  const parameterSets = setsOf(configuration);
  return parameterSets && { codec, setup: configuration.toString('hex'), parameterSets };
}

/** ISO/IEC 14496-15 5.3.3.1 (avcC). `undefined` where NAL units have lengths of another size than 4 bytes. */
function avcSets(avcC: Buffer): Buffer[] | undefined {
  if ((avcC.readUInt8(4) & 3) !== 3) return undefined;
  const sets: Buffer[] = [];
  let at = 5;
  // SPS, whose number has three bits set before it, and PPS.
  for (const mask of [0x1f, 0xff]) at = readSets(avcC, at + 1, avcC.readUInt8(at) & mask, sets);
  return sets;
}

/** ISO/IEC 14496-15 8.3.3.1 (hvcC): arrays, each of one type of NAL unit. */
function hevcSets(hvcC: Buffer): Buffer[] | undefined {
  if ((hvcC.readUInt8(21) & 3) !== 3) return undefined;
  const sets: Buffer[] = [];
  let at = 23;
  for (let arrays = hvcC.readUInt8(22); arrays > 0; arrays--) {
    at = readSets(hvcC, at + 3, hvcC.readUInt16BE(at + 1), sets);
  }
  return sets;
}

function readSets(bytes: Buffer, start: number, count: number, sets: Buffer[]): number {
  let at = start;
  for (let i = 0; i < count; i++) {
    const length = bytes.readUInt16BE(at);
    sets.push(Buffer.from(bytes.subarray(at + 2, at + 2 + length)));
    at += 2 + length;
  }
  return at;
}

/** @param entry the whole box. @returns `undefined` for what browsers do not play, or what is out of the ordinary. */
export function soundCodingOf(entry: Buffer): SoundCoding | undefined {
  // QuickTime's later versions have more fields here.
  if (entry.readUInt16BE(16) !== 0) return undefined;
  const [channels, rate] = [entry.readUInt16BE(24), entry.readUInt16BE(32)];
  const boxes = entry.subarray(SOUND_ENTRY_BYTES);
  switch (entry.toString('latin1', 4, 8)) {
    case 'ac-3':
      return { codec: 'ac3', rate, channels, setup: `ac3 ${rate} ${channels}` };
    case 'mp4a': {
      const { type, configuration } = decoderOf(inside(boxes, 'esds'));
      if (type === AAC) return aacOf(configuration);
      return MP3.includes(type)
        ? { codec: 'mp3', rate, channels, setup: `mp3 ${rate} ${channels}` }
        : undefined;
    }
    default:
      return undefined;
  }
}

/** ISO/IEC 14496-1 7.2.6.6.2, table 5: objectTypeIndication. */
const AAC = 0x40;
const MP3 = [0x69, 0x6b];
/** ISO/IEC 14496-3 table 1.17: the object type is told by later bits. */
const ESCAPE = 31;
/** Table 1.18. */
const aacRates = [
  ...[96_000, 88_200, 64_000, 48_000, 44_100, 32_000],
  ...[24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350],
];

/** ISO/IEC 14496-3 1.6.2.1: five bits of object type, four of the rate's index, four of channels. What follows is about extensions. */
function aacOf(configuration: Buffer): SoundCoding | undefined {
  const bits = configuration.readUInt16BE(0);
  const rate = aacRates[(bits >> 7) & 0xf];
  const channels = (bits >> 3) & 0xf;
  if (bits >> 11 === ESCAPE || rate === undefined || channels === 0) return undefined;
  return { codec: 'aac', rate, channels: channels === 7 ? 8 : channels, setup: `aac ${bits >> 3}` };
}

/** ISO/IEC 14496-1 7.2.6.5 (ES_Descriptor), 7.2.6.6 (DecoderConfigDescriptor), 7.2.6.7 (DecoderSpecificInfo). */
function decoderOf(esds: Buffer): { readonly type: number; readonly configuration: Buffer } {
  const stream = descriptor(esds.subarray(4), 3);
  const flags = stream.readUInt8(2);
  const skipped =
    (flags & 0x80 ? 2 : 0) +
    (flags & 0x40 ? 1 + stream.readUInt8(3 + (flags & 0x80 ? 2 : 0)) : 0) +
    (flags & 0x20 ? 2 : 0);
  const decoder = descriptor(stream.subarray(3 + skipped), 4);
  const type = decoder.readUInt8(0);
  return { type, configuration: type === AAC ? descriptor(decoder.subarray(13), 5) : decoder };
}

/** 8.3.3: a tag, and a length of up to four times seven bits. @throws {RangeError} where another tag is there. */
function descriptor(bytes: Buffer, tag: number): Buffer {
  if (bytes.readUInt8(0) !== tag) throw new RangeError('another descriptor');
  let [length, at] = [0, 1];
  for (let isMore = true; isMore && at < 5; at++) {
    const next = bytes.readUInt8(at);
    length = (length << 7) | (next & 0x7f);
    isMore = next >= 0x80;
  }
  return bytes.subarray(at, at + length);
}

/** What is in a `stsd` that has one entry (8.5.2), as a box. */
export const entryIn = (stsd: Buffer): Buffer | undefined =>
  stsd.readUInt32BE(4) === 1 ? firstEntryIn(stsd) : undefined;

/** The same of one that has several. */
export function firstEntryIn(stsd: Buffer): Buffer | undefined {
  const entry = stsd.subarray(8, 8 + stsd.readUInt32BE(8));
  return boxesOf(entry).length === 1 ? Buffer.from(entry) : undefined;
}
