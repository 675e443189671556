import { rename, rm, writeFile } from 'node:fs/promises';
import { likenessOf } from './alike.ts';
import { FilmError } from './errors.ts';
import { newNameOf } from './lasting.ts';
import { decodeMedia } from './media.ts';
import { type Part, soundAlike, withSoundLike } from './parts.ts';
import { guardedList, type Tools } from './tools.ts';
import { turnLike } from './turn.ts';

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
  try {
    const files = parts.every(({ ts }) => ts !== undefined)
      ? await alike(tools, parts, temporary)
      : parts.map(({ mp4 }) => mp4);
    await concatenate(
      tools,
      files.map((file, i) => ({ file, duration: parts[i]?.duration ?? 0 })),
      { like: first.mp4, path },
    );
  } finally {
    for (const file of temporary) await rm(file, { force: true });
  }
}

/**
 * The same for segments as the camera wrote them, where all are MP4s of one encoder: nothing has to be made ready for it.
 *
 * @returns whether they were; nothing is made otherwise.
 */
export async function joinAlike(tools: Tools, segments: readonly string[], path: string): Promise<boolean> {
  const files: { file: string; duration: number }[] = [];
  let key: string | undefined;
  for (const file of segments) {
    const likeness = await likenessOf(file);
    if (!likeness || (key !== undefined && likeness.key !== key)) return false;
    key = likeness.key;
    files.push({ file, duration: likeness.duration });
  }
  try {
    const [first] = files;
    if (first) await concatenate(tools, files, { like: first.file, path });
    return first !== undefined;
  } catch (error) {
    // They are not what they say they are: part by part it shows which.
    if (error instanceof FilmError && error.code === 'media') return false;
    throw error;
  }
}

interface Piece {
  readonly file: string;
  /** In ms. */
  readonly duration: number;
}

/** Puts files behind each other, turned like one of them, and has ffprobe judge what came of it. */
async function concatenate(
  tools: Tools,
  pieces: readonly Piece[],
  { like, path }: { readonly like: string; readonly path: string },
): Promise<void> {
  const list = newNameOf(`${path}.list`);
  const target = newNameOf(path);
  try {
    await writeFile(list, listOf(pieces), { mode: 0o600 });
    const copy = ['-map', '0:v:0?', '-map', '0:a:0?', '-c', 'copy', '-f', 'mp4', '-movflags', '+faststart'];
    await tools.ffmpeg([...guardedList, '-i', list, ...copy, target], { isUrgent: true });
    const wanted = pieces.reduce((sum, { duration }) => sum + duration, 0);
    // What ffmpeg wrote is mostly as plain as what our own eyes can read.
    const seen = (await likenessOf(target)) ?? decodeMedia(await tools.ffprobe(target, { isUrgent: true }));
    const { duration = 0 } = seen;
    if (Math.abs(duration - wanted) > TOLERANCE_MS + wanted / 20) {
      throw new FilmError(
        'media',
        `its parts did not fit together: ${duration} ms came of ${wanted} ms; play them one by one`,
      );
    }
    await turnLike(target, like);
    await rename(target, path);
  } finally {
    for (const file of [list, target]) await rm(file, { force: true });
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
const listOf = (pieces: readonly Piece[]): string =>
  ['ffconcat version 1.0', ...pieces.map(entry)].join('\n');

const entry = ({ file, duration }: Piece): string =>
  `file '${file.replaceAll("'", "'\\''")}'\nduration ${duration / 1_000}`;
