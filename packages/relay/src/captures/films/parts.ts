import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { FilmError } from './errors.ts';
import { decodeMedia, fitsTransportStream, isCopied, type Media } from './media.ts';
import { guarded, type Tools } from './tools.ts';

/** A segment made ready to be shown, and to be joined. */
export interface Part extends Media {
  /** In ms. */
  readonly duration: number;
  /** Fragmented MP4 that begins at 0. */
  readonly mp4: string;
  /** The same as a transport stream, where its codecs go into one. */
  readonly ts: string | undefined;
}

/**
 * Makes a segment ready: nothing is encoded again but sound that no browser plays. What is there already is not made
 * again.
 *
 * @param path where the part is to be, without extension.
 * @throws {FilmError} where the segment cannot be played.
 */
export async function makePart(tools: Tools, segment: string, path: string): Promise<Part> {
  const note = `${path}.json`;
  const made = await readFile(note, 'utf8').catch(() => undefined);
  if (made !== undefined) return JSON.parse(made) as Part;
  const media = await probe(tools, segment);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const mp4 = `${path}.mp4`;
  const ts = fitsTransportStream(media) ? `${path}.mpegts` : undefined;
  const streams = ['-map', '0:v:0?', '-map', '0:a:0?', '-c', 'copy'];
  await tools.ffmpeg([
    ...[...guarded, '-i', segment],
    ...[
      ...streams,
      ...soundInMp4(media),
      '-f',
      'mp4',
      '-movflags',
      '+frag_keyframe+delay_moov+default_base_moof',
    ],
    ...['-avoid_negative_ts', 'make_zero', '-use_editlist', '0', `${mp4}.new`],
    ...(ts === undefined ? [] : [...streams, ...TRANSPORT_STREAM, `${ts}.new`]),
  ]);
  // Of what came out: an edit list may have hidden pictures that are here now.
  const { duration = fail('it has no length') } = await probe(tools, `${ts ?? mp4}.new`);
  for (const file of [mp4, ts]) if (file !== undefined) await rename(`${file}.new`, file);
  const part: Part = { ...media, duration, mp4, ts };
  await writeFile(`${note}.new`, JSON.stringify(part), { mode: 0o600 });
  await rename(`${note}.new`, note);
  return part;
}

/** Whether two parts' sound can follow each other as it is. */
export const soundAlike = (one: Part['audio'], other: Part['audio']): boolean =>
  one?.codec === other?.codec && one?.rate === other?.rate && one?.channels === other?.channels;

/**
 * The part's transport stream with sound like another's: its own encoded anew, or silence where it has none.
 *
 * @returns its path, which the caller removes.
 */
export async function withSoundLike(
  tools: Tools,
  part: Part,
  like: NonNullable<Part['audio']>,
): Promise<string> {
  const path = `${part.ts}.sound`;
  const silence = ['-f', 'lavfi', '-i', `anullsrc=r=${like.rate}:cl=${like.channels}c`];
  const seconds = String(part.duration / 1_000);
  await tools.ffmpeg([
    ...[...guarded, '-i', String(part.ts)],
    ...(part.audio ? [] : silence),
    ...['-map', '0:v:0?', '-map', part.audio ? '0:a:0' : '1:a:0', '-c:v', 'copy'],
    ...['-c:a', encoders[like.codec] ?? 'aac', '-ar', String(like.rate), '-ac', String(like.channels)],
    ...['-t', seconds, ...TRANSPORT_STREAM, path],
  ]);
  return path;
}

export const removePart = (path: string): Promise<void> => rm(path, { force: true });

async function probe(tools: Tools, path: string): Promise<Media> {
  return decodeMedia(await tools.ffprobe(path));
}

function fail(message: string): never {
  throw new FilmError('media', message);
}

/** AAC of a transport stream carries in each frame what MP4 has once. */
function soundInMp4({ audio }: Media): string[] {
  if (!audio) return [];
  if (audio.codec === 'aac') return ['-bsf:a', 'aac_adtstoasc'];
  return isCopied(audio.codec) ? [] : ['-c:a', 'aac'];
}

/** Without the pauses that ffmpeg makes for broadcasters. */
const TRANSPORT_STREAM = ['-muxdelay', '0', '-muxpreload', '0', '-f', 'mpegts'];
const encoders: Readonly<Record<string, string>> = { aac: 'aac', mp3: 'libmp3lame', ac3: 'ac3' };
