import type { AacConfig, H264Config } from '@perch/mpegts';
import { box, fullBox, uint32 } from './write-boxes.ts';

/** 72 dots per inch, as 16.16. */
const USUAL_RESOLUTION = 0x480000;

/** ISO/IEC 14496-12 12.1.3 (VisualSampleEntry), ISO/IEC 14496-15 5.3.3.1 (avcC). @param config of 4:2:0 with 8 bits. */
export function avcEntry({ profile, constraints, level, width, height, sps, pps }: H264Config): Buffer {
  const setsOf = (sets: readonly Uint8Array[]) => sets.flatMap((set) => [uint16(set.byteLength), set]);
  // 4 bytes before each NAL unit; reserved bits are set.
  const avcC = box(
    'avcC',
    Uint8Array.of(1, profile, constraints, level, 0xff, 0xe1),
    ...setsOf([sps]),
    Uint8Array.of(pps.length),
    ...setsOf(pps),
    // Of high profiles: chroma_format, bit_depth_luma_minus8, bit_depth_chroma_minus8, no extensions.
    ...(profile >= 100 ? [Uint8Array.of(0xfd, 0xf8, 0xf8, 0)] : []),
  );
  return box(
    'avc1',
    ...[uint32(0, 1), Buffer.alloc(16), uint16(width, height), uint32(USUAL_RESOLUTION, USUAL_RESOLUTION, 0)],
    // One frame in a sample, no name, 24 bits of colour.
    ...[uint16(1), Buffer.alloc(32), uint16(24, 0xffff), avcC],
  );
}

/** ISO/IEC 14496-12 12.2.3 (AudioSampleEntry), ISO/IEC 14496-14 5.6 (esds), ISO/IEC 14496-1 7.2.6. */
export function aacEntry({ sampleRate, channels, audioSpecificConfig }: AacConfig): Buffer {
  // 7.2.6.7: what a decoder is to know; 7.2.6.6: AAC, an audio stream, buffer and rates unknown.
  const specific = descriptor(5, audioSpecificConfig);
  const decoder = descriptor(4, Uint8Array.of(0x40, 0x15, 0, 0, 0), uint32(0, 0), specific);
  const stream = descriptor(3, Uint8Array.of(0, 0, 0), decoder, descriptor(6, Uint8Array.of(2)));
  return box(
    'mp4a',
    // 16 bits of a sample.
    ...[uint32(0, 1, 0, 0), uint16(channels, 16), uint32(0), uint16(Math.min(sampleRate, 0xffff), 0)],
    fullBox('esds', {}, stream),
  );
}

/** 8.3.3: less than 128 bytes. */
function descriptor(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const bytes = Buffer.concat(content);
  return Buffer.concat([Uint8Array.of(tag, bytes.byteLength), bytes]);
}

function uint16(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2);
  for (const [i, value] of values.entries()) bytes.writeUInt16BE(value, i * 2);
  return bytes;
}
