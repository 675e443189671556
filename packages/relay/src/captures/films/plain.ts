import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { FilmError } from './errors.ts';
import { newNameOf } from './lasting.ts';
import { decodeMedia, isHeard, type Media } from './media.ts';
import { type Movie, readMovie } from './movie.ts';
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
    if (!(await copied(tools, segment, target))) await encoded(tools, segment, target);
    if (!(await readMovie(target)))
      throw new FilmError('media', 'what came of it cannot be shown: it is damaged, or too long');
    await rename(target, path);
  } finally {
    await rm(target, { force: true });
  }
  const movie = await readMovie(path);
  if (!movie) throw new FilmError('media', 'it is gone');
  return movie;
}

const STREAMS = ['-map', '0:V:0?', '-map', '0:a:0?'];
const TO_MP4 = ['-f', 'mp4'];

/** Only puts it into another container: most can be shown then. @returns whether that is so. */
async function copied(tools: Tools, path: string, target: string): Promise<boolean> {
  try {
    await tools.ffmpeg([...guardedTimed, '-i', path, ...STREAMS, '-c', 'copy', ...TO_MP4, target]);
    return (await readMovie(target)) !== undefined;
  } catch (error) {
    if (error instanceof FilmError && error.code === 'media') return false;
    throw error;
  }
}

async function encoded(tools: Tools, path: string, target: string): Promise<void> {
  const media = decodeMedia(await tools.ffprobe(path));
  await tools.ffmpeg([
    ...[...guarded, '-fflags', '+genpts', '-i', path],
    ...[...STREAMS, ...pictures(media), ...sound(media), ...TO_MP4, target],
  ]);
}

/** Encoded without B frames: to be seen soon, not to be kept. */
const pictures = ({ video }: Media): string[] =>
  video?.isCopied === false
    ? [
        ...['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '22', '-bf', '0'],
        ...['-pix_fmt', 'yuv420p', '-fps_mode', 'passthrough'],
      ]
    : ['-c:v', 'copy'];

const sound = ({ audio }: Media): string[] => ['-c:a', audio && !isHeard(audio.codec) ? 'aac' : 'copy'];
