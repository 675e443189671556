import { rename, rm, writeFile } from 'node:fs/promises';
import { FilmError } from './errors.ts';
import { decodeMedia } from './media.ts';
import { type Part, soundAlike, withSoundLike } from './parts.ts';
import { guardedList, type Tools } from './tools.ts';

/** How far the film's length may be from that of its parts together. */
const TOLERANCE_MS = 1_000;

/**
 * Makes one MP4 of parts, in their order, without encoding pictures again. By way of transport streams where the codecs
 * allow it: there each key frame brings its own parameter sets, so parts of several sizes and encoders follow each
 * other. Where one part has sound and another has none, that gets silence. ffprobe judges what came of it.
 *
 * @throws {FilmError} where that cannot be.
 */
export async function joinParts(tools: Tools, parts: readonly Part[], path: string): Promise<void> {
  const [first] = parts;
  if (!first) throw new FilmError('nothing', 'nothing of this film can be played');
  const codecs = new Set(parts.map(({ video }) => video?.codec ?? 'none'));
  if (codecs.size > 1) {
    const names = [...codecs].join(' and ');
    throw new FilmError('media', `its segments have several codecs (${names}); play them one by one`);
  }
  const temporary: string[] = [];
  const list = `${path}.list`;
  const target = `${path}.new`;
  try {
    const files = parts.every(({ ts }) => ts !== undefined)
      ? await alike(tools, parts, temporary)
      : parts.map(({ mp4 }) => mp4);
    await writeFile(list, listOf(files, parts), { mode: 0o600 });
    const copy = ['-map', '0:v:0?', '-map', '0:a:0?', '-c', 'copy', '-f', 'mp4', '-movflags', '+faststart'];
    await tools.ffmpeg([...guardedList, '-i', list, ...copy, target]);
    const wanted = parts.reduce((sum, { duration }) => sum + duration, 0);
    const { duration = 0 } = decodeMedia(await tools.ffprobe(target));
    if (Math.abs(duration - wanted) > TOLERANCE_MS + wanted / 20) {
      throw new FilmError(
        'media',
        `its parts did not fit together: ${duration} ms came of ${wanted} ms; play them one by one`,
      );
    }
    await rename(target, path);
  } finally {
    for (const file of [...temporary, list, target]) await rm(file, { force: true });
  }
}

/** Transport streams that have all the same sound, or none. */
async function alike(tools: Tools, parts: readonly Part[], temporary: string[]): Promise<string[]> {
  const sound = parts.find(({ audio }) => audio)?.audio;
  const files: string[] = [];
  for (const part of parts) {
    const { ts, audio } = part;
    if (!sound || soundAlike(audio, sound)) {
      files.push(String(ts));
      continue;
    }
    const file = await withSoundLike(tools, part, sound);
    temporary.push(file);
    files.push(file);
  }
  return files;
}

/** A list for ffmpeg's `concat`. The paths are ours: no quote is in them but what the data directory has. */
const listOf = (files: readonly string[], parts: readonly Part[]): string =>
  ['ffconcat version 1.0', ...files.map((file, i) => entry(file, parts[i]?.duration ?? 0))].join('\n');

const entry = (file: string, duration: number): string =>
  `file '${file.replaceAll("'", "'\\''")}'\nduration ${duration / 1_000}`;
