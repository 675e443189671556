import { FilmError } from './errors.ts';
import { FilmTrack } from './film-track.ts';
import { type Movie, secondsOf, type Track, tracksOf } from './movie.ts';
import { fileType, movieHeader } from './movie-header.ts';
import { SampleReader, SampleWriter } from './sample-file.ts';
import type { Sample } from './samples.ts';
import { Turns } from './turns.ts';
import { uint32, uint64 } from './write-boxes.ts';

/** Pictures of so many s, then their sound: nobody has to jump about in the file to play it. */
const TURN_SECONDS = 0.5;
/** ISO/IEC 14496-12 4.2: size 1, type, and the size as 64 bits. */
const MDAT_HEAD_BYTES = 16;

/**
 * Writes one MP4 of several, in their order, without encoding anything; the table of contents comes first. Each begins
 * when all of the one before is over. Where encoders differ, each key frame brings its own parameter sets.
 *
 * @param movies of one codec; where there is sound, it is in all, and alike.
 * @param signal ends it.
 * @throws {FilmError} where that cannot be.
 */
export async function join(movies: readonly Movie[], path: string, signal?: AbortSignal): Promise<void> {
  const codecs = new Set(movies.map(({ video }) => video?.coding.codec ?? 'none'));
  if (codecs.size === 0) throw new FilmError('nothing', 'nothing of this film can be played');
  if (codecs.size > 1) {
    const names = [...codecs].join(' and ');
    throw new FilmError('media', `its segments have several codecs (${names}); play them one by one`);
  }
  // Live pictures get their turn.
  const turns = new Turns();
  const film = {
    video: await filmTrackOf(
      movies.map((movie) => movie.video),
      turns,
    ),
    audio: await filmTrackOf(
      movies.map((movie) => movie.audio),
      turns,
    ),
  };
  await using writer = await SampleWriter.open(path, signal);
  await writer.write(await headOf(film, movies, turns));
  for (const movie of movies) await copy(movie, film, writer, turns);
  await writer.flush();
}

interface Film {
  readonly video: FilmTrack | undefined;
  readonly audio: FilmTrack | undefined;
}

async function filmTrackOf(
  tracks: readonly (Track | undefined)[],
  turns: Turns,
): Promise<FilmTrack | undefined> {
  const [first, ...more] = tracks.filter((track) => track !== undefined);
  return first && FilmTrack.of([first, ...more], turns);
}

/** All that comes before the samples. */
async function headOf(film: Film, movies: readonly Movie[], turns: Turns): Promise<Buffer> {
  let [at, begin] = [0, 0];
  for (const movie of movies) {
    for (const { to, track, sample } of inTurns(movie, film)) {
      to.add(track, sample, { at, begin });
      at += to.bytesOf(track, sample);
      if (turns.isOver()) await turns.pass();
    }
    begin += secondsOf(movie);
  }
  const tracks = [film.video, film.audio].filter((track) => track !== undefined);
  for (const track of tracks) await track.close(turns);
  const type = fileType('isom', 'iso2', 'mp41');
  const header = (from: number) =>
    movieHeader(tracks.map((track, i) => track.header({ number: i + 1, from, seconds: begin })));
  const from = type.byteLength + header(0).byteLength + MDAT_HEAD_BYTES;
  await turns.pass();
  const mdat = Buffer.concat([uint32(1), Buffer.from('mdat', 'latin1'), uint64(MDAT_HEAD_BYTES + at)]);
  return Buffer.concat([type, header(from), mdat]);
}

async function copy(movie: Movie, film: Film, writer: SampleWriter, turns: Turns): Promise<void> {
  await using files = new AsyncDisposableStack();
  const readers = new Map<Track, SampleReader>();
  for (const track of tracksOf(movie)) readers.set(track, files.use(await SampleReader.open(track.path)));
  for (const { to, track, sample } of inTurns(movie, film)) {
    const bytes = await readers.get(track)?.read(sample);
    if (bytes) for (const piece of to.contentOf(track, sample, bytes)) await writer.write(piece);
    if (turns.isOver()) await turns.pass();
  }
}

/** The samples of a file in the order in which the film has them. */
function* inTurns(
  movie: Movie,
  film: Film,
): Generator<{ readonly to: FilmTrack; readonly track: Track; readonly sample: Sample }, void, undefined> {
  const [video, audio] = [lineOf(movie.video, film.video), lineOf(movie.audio, film.audio)];
  const lines = [video, audio].filter((line) => line !== undefined);
  for (;;) {
    const nexts = lines.map(({ track, next }) => (track.samples[next]?.decoded ?? Infinity) / track.scale);
    const end = Math.min(...nexts) + TURN_SECONDS;
    if (end === Infinity) return;
    for (const line of lines) {
      const { to, track } = line;
      for (let sample = track.samples[line.next]; sample && sample.decoded < end * track.scale; ) {
        yield { to, track, sample };
        sample = track.samples[++line.next];
      }
    }
  }
}

/** @returns what has yet to be gone through of a track. */
const lineOf = (track: Track | undefined, to: FilmTrack | undefined) => track && to && { track, to, next: 0 };
