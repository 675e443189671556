import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { FilmError } from './errors.ts';
import { join } from './join.ts';
import { newNameOf } from './lasting.ts';
import { decodeMedia, isHeard, type Media } from './media.ts';
import { type Movie, readMovie } from './movie.ts';
import { readStream } from './stream.ts';
import { guarded, guardedTimed, type Tools } from './tools.ts';

/**
 * Makes an MP4 that browsers show of a segment that is none. What they show stays as it is, all else is encoded anew.
 *
 * @param path where it is to be.
 * @throws {FilmError} where the segment cannot be played.
 */
export async function makePlain(tools: Tools, segment: string, path: string): Promise<Movie> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const target = newNameOf(path);
  try {
    const isMade = (await streamed(segment, target)) || (await copied(tools, segment, target));
    if (!isMade) await encoded(tools, segment, target);
    await rename(target, path);
  } finally {
    await rm(target, { force: true });
  }
  const movie = await readMovie(path);
  if (!movie) throw new FilmError('media', 'it is gone');
  return movie;
}

/** Puts a transport stream into an MP4 without a program for it. @returns whether it is one, and can be shown then. */
async function streamed(segment: string, target: string): Promise<boolean> {
  const samples = `${target}.samples`;
  try {
    const movie = await readStream(segment, samples);
    if (!movie) return false;
    await join([movie], target);
    return (await readMovie(target)) !== undefined;
  } finally {
    await rm(samples, { force: true });
  }
}

const STREAMS = ['-map', '0:V:0?', '-map', '0:a:0?'];
/** For packets that lack a time. */
const TIMES = ['-fflags', '+genpts'];
const TO_MP4 = ['-f', 'mp4'];

/** Only puts it into another container: most can be shown then. @returns whether that is so. */
async function copied(tools: Tools, segment: string, target: string): Promise<boolean> {
  try {
    await tools.ffmpeg([
      ...guardedTimed,
      ...TIMES,
      '-i',
      segment,
      ...STREAMS,
      '-c',
      'copy',
      ...TO_MP4,
      target,
    ]);
    return (await readMovie(target)) !== undefined;
  } catch (error) {
    if (error instanceof FilmError && error.code === 'media') return false;
    throw error;
  }
}

async function encoded(tools: Tools, segment: string, target: string): Promise<void> {
  const media = decodeMedia(await tools.ffprobe(segment));
  for (const how of waysFor(media)) {
    const from = [...guarded, ...TIMES, '-i', segment];
    await tools.ffmpeg([...from, ...STREAMS, ...how, ...TO_MP4, target]);
    if (await readMovie(target)) return;
  }
  throw new FilmError('media', 'what comes of it cannot be shown: it is damaged, or too long');
}

/** How ffmpeg encodes pictures for watching: without B frames, to be seen soon and not to be kept. */
export const encodedPictures = [
  ...['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '22', '-bf', '0'],
  ...['-pix_fmt', 'yuv420p', '-fps_mode', 'passthrough'],
] as const;
const NEW_SOUND = ['-c:a', 'aac'];
/** Whatever loudspeakers it was made for. */
const PLAIN_SOUND = [...NEW_SOUND, '-ac', '2'];

/** What has to be encoded; and more of it, for codecs that are known in ways that are not. */
function waysFor({ video, audio }: Media): string[][] {
  const pictures = video?.isCopied === false ? encodedPictures : ['-c:v', 'copy'];
  const sound = audio && !isHeard(audio.codec) ? NEW_SOUND : ['-c:a', 'copy'];
  return [
    [...pictures, ...sound],
    [...pictures, ...PLAIN_SOUND],
    [...encodedPictures, ...PLAIN_SOUND],
  ];
}
