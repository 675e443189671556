import { inside } from './boxes.ts';

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
 * @returns `undefined` where there are none, or the tables do not fit each other or the file.
 * @throws {RangeError} where a table ends in the middle.
 */
export function samplesIn(stbl: Buffer, size: number): Samples | undefined {
  const sizes = inside(stbl, 'stsz');
  const count = sizes.byteLength < 12 ? 0 : sizes.readUInt32BE(8);
  if (count === 0 || count > MOST_SAMPLES) return undefined;
  const places = placesIn(stbl, sizes, count, size);
  const times = timesIn(inside(stbl, 'stts'), count);
  if (!places || !times) return undefined;
  const delays = delaysIn(inside(stbl, 'ctts'), count);
  const keys = keysIn(inside(stbl, 'stss'));
  let firstShown = Number.POSITIVE_INFINITY;
  for (let i = 0; i < count; i++) firstShown = Math.min(firstShown, (times[i] ?? 0) + (delays?.[i] ?? 0));
  const all = places.map(({ at, bytes }, i): Sample => {
    const decoded = times[i] ?? 0;
    const shown = decoded + (delays?.[i] ?? 0) - firstShown;
    return { at, bytes, decoded, shown, isKey: keys?.has(i + 1) ?? true };
  });
  return { all, end: times[count] ?? 0, firstShown };
}

/** Where each is. Together they are not more than the file, so that what is made of it is not either. */
function placesIn(
  stbl: Buffer,
  stsz: Buffer,
  count: number,
  size: number,
): { readonly at: number; readonly bytes: number }[] | undefined {
  const [stsc, stco, co64] = [inside(stbl, 'stsc'), inside(stbl, 'stco'), inside(stbl, 'co64')];
  const isLong = co64.byteLength > 0;
  const chunks = (isLong ? co64 : stco).readUInt32BE(4);
  const equal = stsz.readUInt32BE(4);
  const places: { at: number; bytes: number }[] = [];
  let total = 0;
  for (let run = 0, runs = stsc.readUInt32BE(4); run < runs; run++) {
    const first = stsc.readUInt32BE(8 + run * 12);
    const samples = stsc.readUInt32BE(12 + run * 12);
    const next = run + 1 < runs ? stsc.readUInt32BE(20 + run * 12) : chunks + 1;
    if (first < 1 || next > chunks + 1) return undefined;
    for (let chunk = first; chunk < next && places.length < count; chunk++) {
      let at = isLong ? Number(co64.readBigUInt64BE(chunk * 8)) : stco.readUInt32BE(4 + chunk * 4);
      for (let i = 0; i < samples && places.length < count; i++) {
        const bytes = equal || stsz.readUInt32BE(12 + places.length * 4);
        total += bytes;
        if (at + bytes > size || total > size) return undefined;
        places.push({ at, bytes });
        at += bytes;
      }
    }
  }
  return places.length === count ? places : undefined;
}

/** When each is decoded, and when the last one is over. */
function timesIn(stts: Buffer, count: number): Float64Array | undefined {
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
    }
  }
  times[count] = time;
  return i === count && time > 0 ? times : undefined;
}

/** How much later each is shown than decoded. Version 0 has no negative ones, but not all writers know that. */
function delaysIn(ctts: Buffer, count: number): Float64Array | undefined {
  if (ctts.byteLength === 0) return undefined;
  const delays = new Float64Array(count);
  let i = 0;
  for (let run = 0, runs = ctts.readUInt32BE(4); run < runs && i < count; run++) {
    const delay = ctts.readInt32BE(12 + run * 8);
    for (let left = ctts.readUInt32BE(8 + run * 8); left > 0 && i < count; left--) delays[i++] = delay;
  }
  return delays;
}

/** Numbers of those with which one can begin, from 1 on. `undefined`: all. */
function keysIn(stss: Buffer): ReadonlySet<number> | undefined {
  if (stss.byteLength === 0) return undefined;
  const keys = new Set<number>();
  for (let i = 0, count = stss.readUInt32BE(4); i < count; i++) keys.add(stss.readUInt32BE(8 + i * 4));
  return keys;
}
