import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { FilmError } from './errors.ts';
import { LONGEST_PIECE, type Pieces, piecesOf } from './fragments.ts';
import { newNameOf } from './lasting.ts';
import { decodeMedia, fitsTransportStream, isHeard, type Media } from './media.ts';
import { startPromptly } from './prompt-start.ts';
import { guarded, type Tools } from './tools.ts';

/** A segment made ready to be shown, and to be joined. */
export interface Part extends Pieces {
  readonly video: { readonly codec: string } | undefined;
  readonly audio: Media['audio'];
  /** In ms. */
  readonly duration: number;
  /** Fragmented MP4 that begins at 0, and what HLS has to know of it. */
  readonly mp4: string;
  /** The same as a transport stream, where its codecs go into one. */
  readonly ts: string | undefined;
  /** What is wrong with it all the same, in words. */
  readonly remark?: string | undefined;
}

/** A segment's file, as a camera wrote it or as it was mended. */
export interface SegmentFile {
  readonly path: string;
  /** Pictures in a second, where the file does not say. */
  readonly rate?: number | undefined;
  /** What it is not any more. */
  readonly remark?: string | undefined;
}

/** The part that was made there, if it was. @param path where parts are, without extension. */
export async function madePart(path: string): Promise<Part | undefined> {
  const made = await readFile(`${path}.json`, 'utf8').catch(() => undefined);
  return made === undefined ? undefined : (JSON.parse(made) as Part);
}

/**
 * Makes a segment ready. What browsers show stays as it is, all else is encoded anew.
 *
 * @param path where the part is to be, without extension.
 * @throws {FilmError} where the segment cannot be played.
 */
export async function makePart(tools: Tools, segment: SegmentFile, path: string): Promise<Part> {
  const media = await probe(tools, segment.path);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const note = `${path}.json`;
  const mp4 = `${path}.mp4`;
  const video = media.video && { codec: media.video.isCopied ? media.video.codec : 'h264' };
  const audio = media.audio && {
    ...media.audio,
    codec: isHeard(media.audio.codec) ? media.audio.codec : 'aac',
  };
  const ts = fitsTransportStream(video?.codec) ? `${path}.mpegts` : undefined;
  const streams = ['-map', '0:V:0?', '-map', '0:a:0?', ...pictures(media), ...sound(media)];
  const rate = segment.rate === undefined ? [] : ['-r', String(segment.rate)];
  await tools.ffmpeg([
    ...[...guarded, ...rate, '-fflags', '+genpts', '-i', segment.path],
    ...[...streams, ...plainAac(media), ...FRAGMENTS, newNameOf(mp4)],
    ...(ts === undefined ? [] : [...streams, ...TRANSPORT_STREAM, newNameOf(ts)]),
  ]);
  await startPromptly(newNameOf(mp4), media.video?.isCopied ? media.pause : 0);
  // Of what came out: an edit list may have hidden pictures that are here now.
  const pieces = await piecesOf(newNameOf(mp4));
  const duration = Math.round(pieces.pieces.reduce((sum, { seconds }) => sum + seconds, 0) * 1_000);
  if (!(duration > 0)) throw new FilmError('media', 'it has no length');
  for (const file of [mp4, ts]) if (file !== undefined) await rename(newNameOf(file), file);
  const part: Part = { video, audio, duration, mp4, ts, ...pieces, remark: segment.remark };
  await writeFile(newNameOf(note), JSON.stringify(part), { mode: 0o600 });
  await rename(newNameOf(note), note);
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
  const path = newNameOf(`${part.ts}.sound`);
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

/** Encoded without B frames: to be seen soon, not to be kept. */
const pictures = ({ video }: Media): string[] =>
  video?.isCopied === false
    ? [
        '-c:v',
        'libx264',
        '-preset',
        'veryfast',
        '-crf',
        '22',
        '-bf',
        '0',
        '-pix_fmt',
        'yuv420p',
        '-fps_mode',
        'passthrough',
      ]
    : ['-c:v', 'copy'];

const sound = ({ audio }: Media): string[] => ['-c:a', audio && !isHeard(audio.codec) ? 'aac' : 'copy'];

/** AAC of a transport stream carries in each frame what MP4 has once. */
const plainAac = ({ audio }: Media): string[] => (audio?.codec === 'aac' ? ['-bsf:a', 'aac_adtstoasc'] : []);

/** CMAF's way (ISO/IEC 23000-19): no edit lists, the first picture is shown at 0. */
const FRAGMENTS = [
  ...[
    '-f',
    'mp4',
    '-movflags',
    '+frag_keyframe+delay_moov+default_base_moof+negative_cts_offsets+skip_trailer',
  ],
  ...['-avoid_negative_ts', 'make_zero', '-use_editlist', '0'],
  // Half a piece: whatever the distance of key frames.
  ...['-frag_duration', String((LONGEST_PIECE / 2) * 1_000_000)],
];
/** Without the pauses that ffmpeg makes for broadcasters. */
const TRANSPORT_STREAM = ['-muxdelay', '0', '-muxpreload', '0', '-f', 'mpegts'];
const encoders: Readonly<Record<string, string>> = { aac: 'aac', mp3: 'libmp3lame', ac3: 'ac3' };
