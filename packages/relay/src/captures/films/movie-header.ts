import { isVideo, type Track } from './movie.ts';
import { box, fullBox, uint32, uint64 } from './write-boxes.ts';

/** How a track of a new file is described. */
export interface TrackHeader {
  /** Its number, from 1 on. */
  readonly number: number;
  /** Whose kind, sample entry and look it has. */
  readonly like: Track;
  /** Ticks in a second. */
  readonly scale: number;
  /** In s; 0 where fragments tell. */
  readonly seconds: number;
  /** Ticks of the track with which the film begins. */
  readonly begin?: number;
  /** The boxes of its sample table but for `stsd`. */
  readonly tables: readonly Buffer[];
}

/** Of the film as a whole. Those of the tracks are their own. */
const SCALE = 1_000;
const MATRIX = uint32(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000);
/** 8.3.2: `track_enabled`, `track_in_movie`. */
const SHOWN = 3;
const UNDETERMINED = 0x55c4; // the language, ISO 639-2/T packed

/** 4.3. @param brands the first is the major one. */
export const fileType = (...brands: readonly [string, ...string[]]): Buffer =>
  box('ftyp', Buffer.from(brands[0], 'latin1'), uint32(512), Buffer.from(brands.join(''), 'latin1'));

/** ISO/IEC 14496-12 8.2.1 (moov). @param more boxes behind those of the tracks. */
export function movieHeader(tracks: readonly TrackHeader[], ...more: readonly Buffer[]): Buffer {
  const length = Math.ceil(Math.max(...tracks.map(({ seconds }) => seconds)) * SCALE);
  // 8.2.2: created, changed, scale, length, speed, volume, 10 reserved bytes, matrix, 24 bytes, the next track's number.
  const header = fullBox(
    'mvhd',
    { version: 1 },
    ...[uint64(0, 0), uint32(SCALE), uint64(length), uint32(0x10000, 0x1000000, 0, 0), MATRIX],
    ...[Buffer.alloc(24), uint32(tracks.length + 1)],
  );
  return box('moov', header, ...tracks.map(track), ...more);
}

function track({ number, like, scale, seconds, begin = 0, tables }: TrackHeader): Buffer {
  const isPicture = isVideo(like);
  const length = Math.ceil(seconds * SCALE);
  // 8.3.2: created, changed, number, 4 reserved bytes, length, 8 reserved, layer, group, volume, 2 reserved, look.
  const header = fullBox(
    'tkhd',
    { version: 1, flags: SHOWN },
    ...[uint64(0, 0), uint32(number, 0), uint64(length), uint64(0), uint32(0, isPicture ? 0 : 0x1000000)],
    like.look,
  );
  // 8.6.6: length, where in the track it begins, speed.
  const edits =
    begin > 0
      ? [box('edts', fullBox('elst', { version: 1 }, uint32(1), uint64(length, begin), uint32(0x10000)))]
      : [];
  const times = fullBox(
    'mdhd',
    { version: 1 },
    ...[uint64(0, 0), uint32(scale), uint64(Math.round(seconds * scale)), uint32(UNDETERMINED * 0x10000)],
  );
  const name = isPicture ? 'vide' : 'soun';
  const handler = fullBox('hdlr', {}, uint32(0), Buffer.from(name, 'latin1'), Buffer.alloc(12 + 1));
  const kind = isPicture ? fullBox('vmhd', { flags: 1 }, uint64(0)) : fullBox('smhd', {}, uint32(0));
  // 8.7.2: it is in this file.
  const place = box('dinf', fullBox('dref', {}, uint32(1), fullBox('url ', { flags: 1 })));
  const stbl = box('stbl', fullBox('stsd', {}, uint32(1), like.entry), ...tables);
  return box('trak', header, ...edits, box('mdia', times, handler, box('minf', kind, place, stbl)));
}
