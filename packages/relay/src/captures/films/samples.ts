import { inside } from './boxes.ts';
import type { Turns } from './turns.ts';

/** A picture, or a bit of sound, of a film's file (ISO/IEC 14496-12 3.1.13). */
export interface Sample {
  /** Where it is in the file, in bytes. */
  readonly at: number;
  readonly bytes: number;
  /** When it is decoded and when it is shown, in ticks of its track: 0 is the first of all in it. */
  readonly decoded: number;
  readonly shown: number;
  /** Whether one can begin with it. */
  readonly isKey: boolean;
}

/** The samples of a track, as they are decoded. */
export interface Samples {
  readonly all: readonly Sample[];
  /** In ticks: when the last one is over. */
  readonly end: number;
  /** When the first is shown by the file's own count. */
  readonly firstShown: number;
}

/** Four hours at 60 in a second are fewer. */
export const MOST_SAMPLES = 1_000_000;
/** Longer is none: it is how some writers say that time goes back. */
const LONGEST_TICKS = 2 ** 31;

/**
 * Reads the tables of a track: 8.6.1.2 (stts), 8.6.1.3 (ctts), 8.6.2 (stss), 8.7.3 (stsz), 8.7.4 (stsc), 8.7.5 (stco, co64).
 *
 * @param stbl what is in that box.
 * @param size of the file, within which they must be.
 * @param turns of a long film there are many.
 * @returns `undefined` where there are none, or the tables do not fit each other or the file.
 * @throws {RangeError} where a table ends in the middle.
 */
export async function samplesIn(stbl: Buffer, size: number, turns: Turns): Promise<Samples | undefined> {
  const sizes = inside(stbl, 'stsz');
  const count = sizes.byteLength < 12 ? 0 : sizes.readUInt32BE(8);
  if (count === 0 || count > MOST_SAMPLES) return undefined;
  const places = await placesIn(stbl, { stsz: sizes, count, size }, turns);
  const times = places && (await timesIn(inside(stbl, 'stts'), count, turns));
  if (!times) return undefined;
  const delays = await delaysIn(inside(stbl, 'ctts'), count, turns);
  const keys = await keysIn(inside(stbl, 'stss'), turns);
  let firstShown = Number.POSITIVE_INFINITY;
  for (let i = 0; i < count; i++) {
    firstShown = Math.min(firstShown, (times[i] ?? 0) + (delays?.[i] ?? 0));
    if (turns.isOver()) await turns.pass();
  }
  const all: Sample[] = [];
  for (let i = 0; i < count; i++) {
    const [at, bytes] = [places.at[i] ?? 0, places.bytes[i] ?? 0];
    const decoded = times[i] ?? 0;
    const shown = decoded + (delays?.[i] ?? 0) - firstShown;
    all.push({ at, bytes, decoded, shown, isKey: keys?.has(i + 1) ?? true });
    if (turns.isOver()) await turns.pass();
  }
  return { all, end: times[count] ?? 0, firstShown };
}

/** Where each is. Together they are not more than the file, so that what is made of it is not either. */
async function placesIn(
  stbl: Buffer,
  { stsz, count, size }: { readonly stsz: Buffer; readonly count: number; readonly size: number },
  turns: Turns,
): Promise<{ readonly at: Float64Array; readonly bytes: Uint32Array } | undefined> {
  const [stsc, stco, co64] = [inside(stbl, 'stsc'), inside(stbl, 'stco'), inside(stbl, 'co64')];
  const isLong = co64.byteLength > 0;
  const chunks = (isLong ? co64 : stco).readUInt32BE(4);
  const equal = stsz.readUInt32BE(4);
  const places = { at: new Float64Array(count), bytes: new Uint32Array(count) };
  let [found, total] = [0, 0];
  for (let run = 0, runs = stsc.readUInt32BE(4); run < runs; run++) {
    const first = stsc.readUInt32BE(8 + run * 12);
    const samples = stsc.readUInt32BE(12 + run * 12);
    const next = run + 1 < runs ? stsc.readUInt32BE(20 + run * 12) : chunks + 1;
    if (first < 1 || next > chunks + 1) return undefined;
    for (let chunk = first; chunk < next && found < count; chunk++) {
      let at = isLong ? Number(co64.readBigUInt64BE(chunk * 8)) : stco.readUInt32BE(4 + chunk * 4);
      for (let i = 0; i < samples && found < count; i++) {
        const bytes = equal || stsz.readUInt32BE(12 + found * 4);
        total += bytes;
        if (at + bytes > size || total > size) return undefined;
        places.at[found] = at;
        places.bytes[found++] = bytes;
        at += bytes;
        if (turns.isOver()) await turns.pass();
      }
      if (turns.isOver()) await turns.pass();
    }
    if (turns.isOver()) await turns.pass();
  }
  return found === count ? places : undefined;
}

/** When each is decoded, and when the last one is over. */
async function timesIn(stts: Buffer, count: number, turns: Turns): Promise<Float64Array | undefined> {
  const times = new Float64Array(count + 1);
  let [i, time, usual] = [0, 0, 0];
  for (let run = 0, runs = stts.readUInt32BE(4); run < runs && i < count; run++) {
    const ticks = stts.readUInt32BE(12 + run * 8);
    if (ticks >= LONGEST_TICKS) return undefined;
    for (let left = stts.readUInt32BE(8 + run * 8); left > 0 && i < count; left--) {
      times[i++] = time;
      // Some writers do not know how long the last one is.
      time += i === count && ticks === 0 ? usual : ticks;
      usual = ticks;
      if (turns.isOver()) await turns.pass();
    }
    if (turns.isOver()) await turns.pass();
  }
  times[count] = time;
  return i === count && time > 0 ? times : undefined;
}

/** How much later each is shown than decoded. Version 0 has no negative ones, but not all writers know that. */
async function delaysIn(ctts: Buffer, count: number, turns: Turns): Promise<Float64Array | undefined> {
  if (ctts.byteLength === 0) return undefined;
  const delays = new Float64Array(count);
  let i = 0;
  for (let run = 0, runs = ctts.readUInt32BE(4); run < runs && i < count; run++) {
    const delay = ctts.readInt32BE(12 + run * 8);
    for (let left = ctts.readUInt32BE(8 + run * 8); left > 0 && i < count; left--) {
      delays[i++] = delay;
      if (turns.isOver()) await turns.pass();
    }
    if (turns.isOver()) await turns.pass();
  }
  return delays;
}

/** Numbers of those with which one can begin, from 1 on. `undefined`: all. */
async function keysIn(stss: Buffer, turns: Turns): Promise<ReadonlySet<number> | undefined> {
  if (stss.byteLength === 0) return undefined;
  const keys = new Set<number>();
  for (let i = 0, count = stss.readUInt32BE(4); i < count; i++) {
    keys.add(stss.readUInt32BE(8 + i * 4));
    if (turns.isOver()) await turns.pass();
  }
  return keys;
}
