import { type AccessUnit, Demuxer, type ElementaryStream, Muxer } from '@perch/mpegts';
import type { Group } from './ring.ts';

/** Groups in a row that become one file, and those on either side where they belong to the same stream. */
export interface Stretch {
  readonly groups: readonly Group[];
  readonly before: Group | undefined;
  readonly after: Group | undefined;
}

/** So many units are written before others have their turn. */
const UNITS_A_TURN = 100;

/**
 * The contents of a file in which sound and picture begin and end together, to a frame of sound: encoders send sound
 * earlier or later than the picture that it belongs to, so what lies at a seam is sorted by its time. Files of groups in
 * a row then fit each other without a gap. Holds pictures and sound. Lets others have their turn every few milliseconds.
 */
export async function makeSegment({ before, groups, after }: Stretch): Promise<readonly Uint8Array[]> {
  const units: AccessUnit[] = [];
  /** Of each group the first picture. */
  const begins = new Map<Group, AccessUnit>();
  /** By PID, also those that were muted in the midst of it. */
  const streams = new Map<number, ElementaryStream>();
  const demuxer = new Demuxer({
    onProgram: (program) => {
      for (const stream of program.streams) streams.set(stream.pid, stream);
    },
    onAccessUnit: (unit) => {
      if (unit.class !== 'data') units.push(unit);
    },
  });
  const all = [...(before ? [before] : []), ...groups, ...(after ? [after] : [])];
  for (const group of all) {
    const known = units.length;
    for (const part of group.parts) demuxer.push(part);
    const first = units.slice(known).find((unit) => unit.class === 'video' && unit.randomAccess);
    if (first) begins.set(group, first);
    await turn();
  }
  demuxer.flush();
  const from = begins.get(groups[0] as Group);
  const to = after && begins.get(after);
  const asItCame = () => groups.flatMap(({ parts }) => parts);
  if (!from) return asItCame();
  const within = units.filter((unit) => isWithin(unit, from, to)).sort((a, b) => a.dts - b.dts);
  // Better with a gap in its sound than not at all: what cannot be written anew was damaged before it came.
  return write(streams, within).catch(asItCame);
}

/** Pictures in the order of decoding, sound by when it is heard. */
function isWithin(unit: AccessUnit, from: AccessUnit, to: AccessUnit | undefined): boolean {
  if (unit.class === 'video') return unit.dts >= from.dts && (!to || unit.dts < to.dts);
  return unit.pts >= from.pts && (!to || unit.pts < to.pts);
}

async function write(
  streams: ReadonlyMap<number, ElementaryStream>,
  units: readonly AccessUnit[],
): Promise<Uint8Array[]> {
  const parts: Uint8Array[] = [];
  const muxer = new Muxer({ onMessage: (bytes) => void parts.push(bytes) });
  const held = new Set(units.map(({ pid }) => pid));
  for (const stream of streams.values()) if (held.has(stream.pid)) muxer.addStream(stream);
  for (const [i, unit] of units.entries()) {
    muxer.write(unit);
    if (i % UNITS_A_TURN === UNITS_A_TURN - 1) await turn();
  }
  return parts;
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
