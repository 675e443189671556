import { open } from 'node:fs/promises';
import { boxesOf, inside } from './boxes.ts';
import { FilmError } from './errors.ts';
import { topBoxes } from './top-boxes.ts';

/** A run of fragments of an MP4, to be fetched in one piece. */
export interface Piece {
  /** In bytes from the beginning of the file. */
  readonly at: number;
  readonly bytes: number;
  readonly seconds: number;
}

/**
 * No piece is longer, in s. The same for all films: it may not change while one arrives (RFC 8216 6.2.1), and nobody
 * knows how long the next segment will be.
 */
export const LONGEST_PIECE = 10;

/** What HLS has to know of a fragmented MP4. */
export interface Pieces {
  /** So many bytes, from its beginning, are its initialisation. */
  readonly head: number;
  readonly pieces: readonly Piece[];
}

/**
 * Reads where the fragments of an MP4 are and how long each is (ISO/IEC 14496-12 8.8).
 *
 * @throws {FilmError} `media` where there are none.
 */
export async function piecesOf(path: string): Promise<Pieces> {
  const file = await open(path);
  const fragments: { readonly at: number; readonly start: number }[] = [];
  let tracks: Tracks = new Map();
  let head: number | undefined;
  let end = 0;
  let bytes = 0;
  try {
    for await (const box of topBoxes(file)) {
      bytes = box.end;
      if (box.type !== 'moov' && box.type !== 'moof') continue;
      const body = Buffer.alloc(box.end - box.body);
      await file.read(body, 0, body.byteLength, box.body);
      if (box.type === 'moov') {
        tracks = tracksOf(body);
        continue;
      }
      head ??= box.at;
      const runs = runsOf(body, tracks);
      end = Math.max(end, ...runs.map((run) => run.end));
      // The track that comes first in the file says where it is: that of the pictures, where there are any.
      const [main] = runs.filter(({ track }) => track === [...tracks.keys()][0]);
      if (main || fragments.length === 0) fragments.push({ at: box.at, start: main?.start ?? 0 });
    }
  } finally {
    await file.close();
  }
  if (head === undefined) throw new FilmError('media', 'there is nothing in it');
  return { head, pieces: grouped(fragments, { end, bytes }) };
}

function grouped(
  fragments: readonly { readonly at: number; readonly start: number }[],
  { end, bytes }: { readonly end: number; readonly bytes: number },
): Piece[] {
  const pieces: Piece[] = [];
  let first = fragments[0];
  for (const [i, fragment] of fragments.entries()) {
    const next = fragments[i + 1] ?? { at: bytes, start: end };
    const afterNext = fragments[i + 2]?.start ?? end;
    if (!first) first = fragment;
    if (fragments[i + 1] && afterNext - first.start <= LONGEST_PIECE) continue;
    pieces.push({ at: first.at, bytes: next.at - first.at, seconds: next.start - first.start });
    first = undefined;
  }
  return pieces;
}

interface Track {
  /** Ticks in a second. */
  readonly scale: number;
  /** Of a sample, in ticks, where nothing else is said. */
  readonly length: number;
}
type Tracks = ReadonlyMap<number, Track>;

/** 8.3.2 (tkhd), 8.4.2 (mdhd), 8.8.3 (trex): the tracks by their numbers. */
export function tracksOf(moov: Buffer): Tracks {
  const all = boxesOf(moov);
  const lengths = new Map(
    boxesOf(inside(moov, 'mvex')).map(({ body }) => [body.readUInt32BE(4), body.readUInt32BE(12)]),
  );
  return new Map(
    all
      .filter(({ type }) => type === 'trak')
      .map(({ body }) => {
        const header = inside(body, 'tkhd');
        const media = inside(body, 'mdia', 'mdhd');
        const track = header.readUInt32BE(header[0] === 1 ? 20 : 12);
        return [
          track,
          { scale: media.readUInt32BE(media[0] === 1 ? 20 : 12), length: lengths.get(track) ?? 0 },
        ];
      }),
  );
}

/** Flags of 8.8.7 (tfhd) and 8.8.8 (trun): which fields are there. */
const HAS = { baseOffset: 0x1, description: 0x2, length: 0x8 } as const;
const RUN_HAS = {
  offset: 0x1,
  firstFlags: 0x4,
  lengths: 0x100,
  sizes: 0x200,
  flags: 0x400,
  shown: 0x800,
} as const;

/** A track's samples in one fragment. Times in s. */
export interface Run {
  readonly track: number;
  readonly start: number;
  readonly end: number;
  readonly trun: Buffer;
  /** 8.8.12. */
  readonly tfdt: Buffer;
  /** Where `trun` says how long its first sample is; `undefined`: it does not. */
  readonly firstLengthAt: number | undefined;
}

/** The runs of a fragment. ffmpeg writes one for each track. @throws {RangeError} where it is damaged. */
export function runsOf(moof: Buffer, tracks: Tracks): Run[] {
  const fragments = boxesOf(moof).filter(({ type }) => type === 'traf');
  return fragments.map(({ body }) => {
    const [header, tfdt, trun] = [inside(body, 'tfhd'), inside(body, 'tfdt'), inside(body, 'trun')];
    const track = header.readUInt32BE(4);
    const { scale, length } = tracks.get(track) ?? { scale: 1, length: 0 };
    const flags = trun.readUInt32BE(0);
    const count = trun.readUInt32BE(4);
    const first = 8 + (flags & RUN_HAS.offset ? 4 : 0) + (flags & RUN_HAS.firstFlags ? 4 : 0);
    const fields = [RUN_HAS.lengths, RUN_HAS.sizes, RUN_HAS.flags, RUN_HAS.shown].filter(
      (has) => flags & has,
    );
    let ticks = 0;
    if (flags & RUN_HAS.lengths) {
      for (let i = 0; i < count; i++) ticks += trun.readUInt32BE(first + i * fields.length * 4);
    } else ticks = count * (lengthIn(header) ?? length);
    const start = tfdt[0] === 1 ? Number(tfdt.readBigUInt64BE(4)) : tfdt.readUInt32BE(4);
    return {
      ...{ track, trun, tfdt, start: start / scale, end: (start + ticks) / scale },
      firstLengthAt: flags & RUN_HAS.lengths ? first : undefined,
    };
  });
}

/** 8.8.7: the length of this fragment's samples. */
function lengthIn(tfhd: Buffer): number | undefined {
  const flags = tfhd.readUInt32BE(0);
  if (!(flags & HAS.length)) return undefined;
  return tfhd.readUInt32BE(8 + (flags & HAS.baseOffset ? 8 : 0) + (flags & HAS.description ? 4 : 0));
}
