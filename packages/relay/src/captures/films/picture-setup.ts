import { open } from 'node:fs/promises';
import { boxesOf, inside } from './boxes.ts';
import { handlerOf, LOOK_BYTES, readMoov, timesOf } from './movie.ts';
import { firstEntryIn, type PictureCoding, pictureCodingOf } from './sample-entry.ts';

/** What the pictures of an MP4 have in common: what is not said again with each of them. */
export interface PictureSetup {
  readonly path: string;
  readonly coding: PictureCoding;
  /** As in a track: ticks in a second, the sample entry, how it is turned and how large. */
  readonly scale: number;
  readonly entry: Buffer;
  readonly look: Buffer;
  /** From one sample to the next, all in all. */
  readonly ticks: number;
  /** Bytes of the largest sample. */
  readonly largest: number;
  /** Where the first sample is in the file. */
  readonly first: { readonly at: number; readonly bytes: number };
}

/** A larger first picture is not looked into. */
const MOST_PICTURE_BYTES = 8 * 1024 * 1024;
const [SLICE, KEY_SLICE] = [1, 5];

/**
 * Reads it from an MP4 whatever else is in it: sound that browsers do not play, edits, an end that lacks.
 *
 * @returns `undefined` where it is no MP4, is in fragments, or has no pictures that browsers show.
 */
export async function readPictureSetup(path: string): Promise<PictureSetup | undefined> {
  const found = await readMoov(path).catch(() => undefined);
  if (!found) return undefined;
  try {
    return setupIn(found.moov, path);
  } catch (error) {
    if (error instanceof RangeError) return undefined; // it ends in the middle of a field
    throw error;
  }
}

/** Whether a sample of H.264 is one field of two, as some programs write them that know packets alone. */
export async function hasFieldsApart({ path, first }: PictureSetup): Promise<boolean> {
  const file = await open(path);
  try {
    const sample = Buffer.alloc(Math.min(first.bytes, MOST_PICTURE_BYTES));
    const { bytesRead } = await file.read(sample, 0, sample.byteLength, first.at);
    let pictures = 0;
    for (let at = 0; at + 6 <= bytesRead; at += 4 + sample.readUInt32BE(at)) {
      const type = sample.readUInt8(at + 4) & 0x1f;
      // ITU-T H.264 7.3.3: `first_mb_in_slice`, ue(v), is 0 where a picture begins.
      const isFirst = sample.readUInt8(at + 5) >= 0x80;
      if ((type === SLICE || type === KEY_SLICE) && isFirst) pictures++;
    }
    return pictures < 2;
  } finally {
    await file.close();
  }
}

/** ISO/IEC 14496-12 8.6.1.2 (stts), 8.7.3 (stsz), 8.7.5 (stco, co64). */
function setupIn(moov: Buffer, path: string): PictureSetup | undefined {
  const track = boxesOf(moov).find(({ type, body }) => type === 'trak' && handlerOf(body) === 'vide')?.body;
  if (!track) return undefined;
  const { scale } = timesOf(inside(track, 'mdia', 'mdhd'));
  const stbl = inside(track, 'mdia', 'minf', 'stbl');
  const entry = firstEntryIn(inside(stbl, 'stsd'));
  const coding = entry && pictureCodingOf(entry);
  const ticks = ticksIn(inside(stbl, 'stts'));
  const look = Buffer.from(inside(track, 'tkhd').subarray(-LOOK_BYTES));
  if (!coding || scale === 0 || ticks === undefined || look.byteLength < LOOK_BYTES) return undefined;
  const [stsz, stco, co64] = [inside(stbl, 'stsz'), inside(stbl, 'stco'), inside(stbl, 'co64')];
  const at = co64.byteLength > 0 ? Number(co64.readBigUInt64BE(8)) : stco.readUInt32BE(8);
  const bytes = stsz.readUInt32BE(4) || stsz.readUInt32BE(12);
  return { path, coding, scale, entry, look, ticks, largest: largestIn(stsz), first: { at, bytes } };
}

function ticksIn(stts: Buffer): number | undefined {
  let [samples, ticks] = [0, 0];
  for (let i = 0, runs = stts.readUInt32BE(4); i < runs; i++) {
    const [count, each] = [stts.readUInt32BE(8 + i * 8), stts.readUInt32BE(12 + i * 8)];
    // Some writers do not know how long the last one is.
    if (each > 0) samples += count;
    ticks += count * each;
  }
  return ticks > 0 ? Math.max(1, Math.round(ticks / samples)) : undefined;
}

function largestIn(stsz: Buffer): number {
  let largest = stsz.readUInt32BE(4);
  for (let i = 0, count = largest > 0 ? 0 : stsz.readUInt32BE(8); i < count; i++) {
    largest = Math.max(largest, stsz.readUInt32BE(12 + i * 4));
  }
  return largest;
}
