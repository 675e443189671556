import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { atOnce } from './at-once.ts';
import { FilmError } from './errors.ts';
import { join } from './join.ts';
import { type Movie, readMovie, secondsOf, type Track } from './movie.ts';
import type { SoundCoding } from './sample-entry.ts';
import { MOST_SAMPLES } from './samples.ts';
import type { Tools } from './tools.ts';

type Sound = Track<SoundCoding>;

const AT_ONCE = 4;
const encoders: Readonly<Record<SoundCoding['codec'], string>> = {
  aac: 'aac',
  mp3: 'libmp3lame',
  ac3: 'ac3',
};

/**
 * Gives all files of a film sound that can follow each other, where any has some: what has none gets silence, and what has
 * other sound than ffmpeg makes is encoded anew.
 *
 * @param directory is made for that, if need be. Whoever asks removes it.
 * @throws {FilmError}
 */
export async function withSameSound(
  tools: Tools,
  movies: readonly Movie[],
  directory: string,
): Promise<readonly Movie[]> {
  const like = movies.find(({ audio }) => audio)?.audio?.coding;
  if (!like || movies.every(({ audio }) => audio?.coding.setup === like.setup)) return movies;
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const silence = await silenceLike(tools, like, path.join(directory, 'silence.mp4'));
  return atOnce(movies, AT_ONCE, async (movie, i) => {
    const { audio } = movie;
    if (audio?.coding.setup === silence.coding.setup) return movie;
    const seconds = secondsOf(movie);
    if (!audio) return { ...movie, audio: lasting(silence, seconds) };
    const place = path.join(directory, `${i}`);
    return { ...movie, audio: until(await encoded(tools, audio, { like, path: place }), seconds) };
  });
}

/** Of which each sample is as good as the next. */
const silenceLike = (
  tools: Tools,
  { codec, rate, channels }: SoundCoding,
  target: string,
): Promise<Sound> => {
  const silence = ['-f', 'lavfi', '-i', `anullsrc=r=${rate}:cl=${channels}c`, '-t', '1'];
  return madeBy(tools, [...silence, '-c:a', encoders[codec], target]);
};

/** Sound of other codec, rate or channels, as long as it was. */
async function encoded(
  tools: Tools,
  audio: Sound,
  { like, path: place }: { readonly like: SoundCoding; readonly path: string },
): Promise<Sound> {
  // Alone, since only then it is in ffmpeg's eyes where it is in ours.
  await join([{ path: audio.path, video: undefined, audio }], `${place}.own.mp4`);
  const { codec, rate, channels } = like;
  // Where nothing is to be heard for a while, there is silence.
  const whole = ['-af', 'aresample=async=1:first_pts=0', '-ar', String(rate), '-ac', String(channels)];
  return madeBy(tools, ['-i', `${place}.own.mp4`, ...whole, '-c:a', encoders[codec], `${place}.mp4`]);
}

/** @param args end with the file. */
async function madeBy(tools: Tools, args: readonly string[]): Promise<Sound> {
  await tools.ffmpeg(args, { isUrgent: true });
  const audio = (await readMovie(args.at(-1) ?? ''))?.audio;
  if (!audio) throw new FilmError('media', 'its sound cannot be made alike');
  return audio;
}

/** One sample of silence, again and again. */
function lasting(silence: Sound, seconds: number): Sound {
  const [first, second] = silence.samples;
  if (!first || !second) return silence;
  const ticks = second.decoded - first.decoded;
  const count = Math.min(Math.ceil((seconds * silence.scale) / ticks), MOST_SAMPLES);
  const samples = Array.from({ length: count }, (_, i) => ({
    ...second,
    decoded: i * ticks,
    shown: i * ticks,
  }));
  return until({ ...silence, samples, end: count * ticks }, seconds);
}

/** Without what an encoder adds at the end. */
function until(audio: Sound, seconds: number): Sound {
  const end = Math.round(seconds * audio.scale);
  return {
    ...audio,
    samples: audio.samples.filter(({ decoded }) => decoded < end),
    end: Math.min(end, audio.end),
  };
}
