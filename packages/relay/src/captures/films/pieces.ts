import { type Movie, secondsOf, type Track, tracksOf } from './movie.ts';
import { fileType, movieHeader } from './movie-header.ts';
import { SampleReader, SampleWriter } from './sample-file.ts';
import type { Sample } from './samples.ts';
import { Turns } from './turns.ts';
import { box, fullBox, uint32, uint32s, uint64 } from './write-boxes.ts';

/** A fragment of an MP4, to be fetched in one piece. */
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
 * Writes a film as an MP4 in fragments (ISO/IEC 14496-12 8.8) that begins at 0, CMAF's way (ISO/IEC 23000-19): no edit
 * lists, the first picture is shown at 0.
 *
 * @param signal ends it.
 * @throws {FilmError} where a file cannot be read or written.
 */
export async function writePieces(movie: Movie, path: string, signal?: AbortSignal): Promise<Pieces> {
  const tracks = tracksOf(movie);
  await using readers = new AsyncDisposableStack();
  const sources: Source[] = [];
  for (const [i, track] of tracks.entries()) {
    const reader = readers.use(await SampleReader.open(track.path));
    sources.push({ number: i + 1, track, reader, next: 0 });
  }
  await using writer = await SampleWriter.open(path, signal);
  const head = headOf(sources);
  await writer.write(head);
  const pieces: Piece[] = [];
  let at = head.byteLength;
  const seconds = secondsOf(movie);
  // Live pictures get their turn.
  const turns = new Turns();
  const begins = await beginsOf(tracks[0], turns);
  for (const [i, begin] of begins.entries()) {
    const end = begins[i + 1] ?? seconds;
    const bytes = await writePiece(sources, { number: i + 1, end: begins[i + 1] }, writer, turns);
    pieces.push({ at, bytes, seconds: end - begin });
    at += bytes;
  }
  await writer.flush();
  return { head: head.byteLength, pieces };
}

/** A track that is written bit by bit. */
interface Source {
  readonly number: number;
  readonly track: Track;
  readonly reader: SampleReader;
  /** The first sample that is not written. */
  next: number;
}

/** 8.8.1 (mvex), 8.8.3 (trex): fragments follow, which say all of their samples themselves. */
function headOf(sources: readonly Source[]): Buffer {
  const tables = [
    ...[fullBox('stts', {}, uint32(0)), fullBox('stsc', {}, uint32(0))],
    ...[fullBox('stsz', {}, uint32(0, 0)), fullBox('stco', {}, uint32(0))],
  ];
  const headers = sources.map(({ number, track }) => ({
    ...{ number, like: track, scale: track.scale, seconds: 0, tables },
  }));
  const extended = sources.map(({ number }) => fullBox('trex', {}, uint32(number, 1, 0, 0, 0)));
  return Buffer.concat([
    fileType('iso6', 'isom', 'mp41', 'cmfc'),
    movieHeader(headers, box('mvex', ...extended)),
  ]);
}

/** When pieces begin, in s: with key frames where there are any so near. */
async function beginsOf(track: Track | undefined, turns: Turns): Promise<number[]> {
  if (!track) return [];
  const { samples, scale, end } = track;
  const most = LONGEST_PIECE * scale;
  const begins = [0];
  let begin = 0;
  let key = 0;
  for (const [i, { decoded, isKey }] of samples.entries()) {
    if (turns.isOver()) await turns.pass();
    if (isKey) key = decoded;
    if ((samples[i + 1]?.decoded ?? end) - begin <= most || decoded === begin) continue;
    begin = key > begin ? key : decoded;
    begins.push(begin / scale);
  }
  return begins;
}

/** 8.8.4 (moof), with all that is decoded before `end`, in s; `undefined`: all that is left. @returns its bytes. */
async function writePiece(
  sources: readonly Source[],
  { number, end }: { readonly number: number; readonly end: number | undefined },
  writer: SampleWriter,
  turns: Turns,
): Promise<number> {
  const runs = sources
    .map((source) => ({ source, ...takenOf(source, end) }))
    .filter(({ samples }) => samples.length > 0);
  const moof = (start: number) => {
    let at = start;
    const fragments = runs.map(({ source, samples, end: last }) => {
      const fragment = fragmentOf(source, samples, { at, end: last });
      at += bytesOf(samples);
      return fragment;
    });
    return box('moof', fullBox('mfhd', {}, uint32(number)), ...fragments);
  };
  const head = moof(0).byteLength + 8;
  const bytes = runs.reduce((sum, { samples }) => sum + bytesOf(samples), 0);
  const mdat = uint32(8 + bytes, 0);
  mdat.write('mdat', 4, 'latin1');
  await writer.write(moof(head));
  await writer.write(mdat);
  for (const { source, samples } of runs) {
    for (const sample of samples) {
      await writer.write(await source.reader.read(sample));
      if (turns.isOver()) await turns.pass();
    }
  }
  return head + bytes;
}

const bytesOf = (samples: readonly Sample[]): number => samples.reduce((sum, { bytes }) => sum + bytes, 0);

/** The next samples of a track, and when the last of them is over. */
function takenOf(
  source: Source,
  end: number | undefined,
): { readonly samples: Sample[]; readonly end: number } {
  const { samples, scale } = source.track;
  const first = source.next;
  const ticks = end === undefined ? Number.POSITIVE_INFINITY : Math.round(end * scale);
  while ((samples[source.next]?.decoded ?? Number.POSITIVE_INFINITY) < ticks) source.next++;
  return {
    samples: samples.slice(first, source.next),
    end: samples[source.next]?.decoded ?? source.track.end,
  };
}

/** 8.8.7: offsets count from the moof. */
const FROM_MOOF = 0x20000;
/** 8.8.8: the run's offset, and of each sample: length, size, flags, and how much later it is shown than decoded. */
const RUN_HAS = 0x1 | 0x100 | 0x200 | 0x400 | 0x800;
/** 8.8.3.1: depends on no other; depends on others, and one cannot begin with it. */
const FLAGS = { key: 0x02000000, other: 0x01010000 } as const;

/** 8.8.6 (traf). @param place where its samples begin, counted from the moof, and when they are over, in ticks. */
function fragmentOf(
  { number }: Source,
  samples: readonly Sample[],
  place: { readonly at: number; readonly end: number },
): Buffer {
  const each = samples.flatMap(({ decoded, shown, bytes, isKey }, i) => {
    const length = (samples[i + 1]?.decoded ?? place.end) - decoded;
    return [length, bytes, isKey ? FLAGS.key : FLAGS.other, shown - decoded];
  });
  return box(
    'traf',
    fullBox('tfhd', { flags: FROM_MOOF }, uint32(number)),
    fullBox('tfdt', { version: 1 }, uint64(samples[0]?.decoded ?? 0)),
    fullBox('trun', { version: 1, flags: RUN_HAS }, uint32(samples.length, place.at), uint32s(each)),
  );
}
