import { open } from 'node:fs/promises';
import { boxesOf, inside } from './boxes.ts';
import { topBoxes } from './top-boxes.ts';

/** What a decoder has to know of H.264 pictures before the first: what an MP4 says once, for all of them. */
export interface PictureSetup {
  /** SPS and PPS, NAL units without start codes. */
  readonly parameterSets: readonly Buffer[];
  /** Pictures in a second. */
  readonly rate: number;
  /** Bytes of the largest picture there is. */
  readonly largest: number;
}

const MOST_MOOV_BYTES = 4 * 1024 * 1024;

/** Reads it from an MP4 that is whole. @returns `undefined` where it is no such, or has no H.264. */
export async function pictureSetupOf(path: string): Promise<PictureSetup | undefined> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    for await (const { type, body, end } of topBoxes(file)) {
      if (type !== 'moov') continue;
      if (end - body > MOST_MOOV_BYTES || end > size) return undefined;
      const moov = Buffer.alloc(end - body);
      await file.read(moov, 0, moov.byteLength, body);
      return setupIn(moov);
    }
    return undefined;
  } catch (error) {
    if (error instanceof RangeError) return undefined; // it ends in the middle of a field
    throw error;
  } finally {
    await file.close();
  }
}

/** ISO/IEC 14496-12 8.6.1.2 (stts), 8.7.3 (stsz), 8.5.2 (stsd); ISO/IEC 14496-15 5.3.3.1 (avcC). */
function setupIn(moov: Buffer): PictureSetup | undefined {
  for (const { type, body } of boxesOf(moov)) {
    if (type !== 'trak') continue;
    const tables = inside(body, 'mdia', 'minf', 'stbl');
    const entry = inside(tables, 'stsd').subarray(8);
    if (entry.byteLength < 94 || entry.toString('latin1', 4, 8) !== 'avc1') continue;
    const avcC = inside(entry.subarray(86, entry.readUInt32BE(0)), 'avcC');
    const media = inside(body, 'mdia', 'mdhd');
    const scale = media.readUInt32BE(media[0] === 1 ? 20 : 12);
    const rate = rateOf(inside(tables, 'stts'), scale);
    // Lengths before NAL units of another size than 4 bytes are as good as unknown.
    if (((avcC[4] ?? 0) & 3) !== 3 || rate === undefined) return undefined;
    return { parameterSets: setsIn(avcC), rate, largest: largestOf(inside(tables, 'stsz')) };
  }
  return undefined;
}

function setsIn(avcC: Buffer): Buffer[] {
  const sets: Buffer[] = [];
  let at = 5;
  for (const mask of [0x1f, 0xff]) {
    const count = avcC.readUInt8(at++) & mask;
    for (let i = 0; i < count; i++) {
      const length = avcC.readUInt16BE(at);
      sets.push(avcC.subarray(at + 2, at + 2 + length));
      at += 2 + length;
    }
  }
  return sets;
}

function rateOf(stts: Buffer, scale: number): number | undefined {
  let [pictures, ticks] = [0, 0];
  for (let i = 0, at = 8; i < stts.readUInt32BE(4); i++, at += 8) {
    pictures += stts.readUInt32BE(at);
    ticks += stts.readUInt32BE(at) * stts.readUInt32BE(at + 4);
  }
  return pictures > 0 && ticks > 0 ? (pictures * scale) / ticks : undefined;
}

function largestOf(stsz: Buffer): number {
  const all = stsz.readUInt32BE(4);
  if (all > 0) return all;
  let largest = 0;
  for (let i = 0, at = 12; i < stsz.readUInt32BE(8); i++, at += 4) {
    largest = Math.max(largest, stsz.readUInt32BE(at));
  }
  return largest;
}
