import { open } from 'node:fs/promises';
import { boxesOf, inside } from './boxes.ts';
import {
  entryIn,
  type PictureCoding,
  pictureCodingOf,
  type SoundCoding,
  soundCodingOf,
} from './sample-entry.ts';
import { type Sample, samplesIn } from './samples.ts';
import { topBoxes } from './top-boxes.ts';
import { Turns } from './turns.ts';

/** Pictures or sound of a file. It begins at 0: what begins later has a first sample that is longer. */
export interface Track<Coding = PictureCoding | SoundCoding> {
  /** The file that has the samples. */
  readonly path: string;
  readonly coding: Coding;
  /** Ticks in a second. */
  readonly scale: number;
  readonly samples: readonly Sample[];
  /** In ticks: when the last sample is over. */
  readonly end: number;
  /** ISO/IEC 14496-12 8.5.2: the sample entry, as it is. */
  readonly entry: Buffer;
  /** 8.3.2: how it is turned, its width and its height, as they are in `tkhd`. */
  readonly look: Buffer;
}

/** A film's file that browsers can show as it is, and what is in it. */
export interface Movie {
  readonly path: string;
  readonly video: Track<PictureCoding> | undefined;
  readonly audio: Track<SoundCoding> | undefined;
}

export const isVideo = (track: Track): track is Track<PictureCoding> => 'parameterSets' in track.coding;

/** That of the pictures first. */
export const tracksOf = ({ video, audio }: Movie): Track[] =>
  [video, audio].filter((track) => track !== undefined);

/** In s. */
export const secondsOf = (movie: Movie): number =>
  Math.max(...tracksOf(movie).map(({ end, scale }) => end / scale));

/** A larger `moov` is not looked at, and no film is longer. */
const MOST_MOOV_BYTES = 32 * 1024 * 1024;
const MOST_SECONDS = 86_400;
export const LOOK_BYTES = 44;

/**
 * Reads the tables of an MP4 (ISO/IEC 14496-12); nothing is run for it. All its pictures are shown, also those that an edit
 * list hides; sound before the first of them is left out.
 *
 * @returns `undefined` where it is none, is in fragments, is not all there, or has anything out of the ordinary.
 */
export async function readMovie(path: string): Promise<Movie | undefined> {
  const found = await readMoov(path).catch(() => undefined);
  if (!found) return undefined;
  try {
    return await movieIn(found.moov, { path, size: found.size });
  } catch (error) {
    if (error instanceof RangeError) return undefined; // it ends in the middle of a field
    throw error;
  }
}

interface File {
  readonly path: string;
  readonly size: number;
}

async function movieIn(moov: Buffer, file: File): Promise<Movie | undefined> {
  const turns = new Turns();
  const boxes = boxesOf(moov);
  if (boxes.some(({ type }) => type === 'mvex')) return undefined;
  const { scale } = timesOf(inside(moov, 'mvhd'));
  const tracks = boxes.filter(({ type }) => type === 'trak').map(({ body }) => body);
  const [pictures, sound] = ['vide', 'soun'].map((kind) => tracks.find((track) => handlerOf(track) === kind));
  const video = pictures && (await readTrack(pictures, { scale, file, codingOf: pictureCodingOf }, turns));
  const audio = sound && (await readTrack(sound, { scale, file, codingOf: soundCodingOf }, turns));
  if (!(video || audio) || (pictures && !video) || (sound && !audio)) return undefined;
  // The film begins with the first picture, or before where its sound does.
  const begin = video && audio ? Math.min(0, video.start) : (video?.start ?? 0);
  const movie = {
    path: file.path,
    video: video && (await fromBegin(video, begin, turns)),
    audio: audio && (await fromBegin(await withoutStart(audio, begin, turns), begin, turns)),
  };
  return secondsOf(movie) <= MOST_SECONDS ? movie : undefined;
}

export const handlerOf = (track: Buffer): string => inside(track, 'mdia', 'hdlr').toString('latin1', 8, 12);

/** A track, and when its first sample is shown, in s of the film. */
export interface Placed<Coding> {
  readonly track: Track<Coding>;
  readonly start: number;
}

/** @returns `undefined` where it is out of the ordinary. */
async function readTrack<Coding>(
  track: Buffer,
  from: {
    readonly scale: number;
    readonly file: File;
    readonly codingOf: (entry: Buffer) => Coding | undefined;
  },
  turns: Turns,
): Promise<Placed<Coding> | undefined> {
  const { scale } = timesOf(inside(track, 'mdia', 'mdhd'));
  const stbl = inside(track, 'mdia', 'minf', 'stbl');
  const entry = entryIn(inside(stbl, 'stsd'));
  const coding = entry && from.codingOf(entry);
  const begin = beginOf(inside(track, 'edts', 'elst'), { film: from.scale, track: scale });
  const samples = await samplesIn(stbl, from.file.size, turns);
  const look = Buffer.from(inside(track, 'tkhd').subarray(-LOOK_BYTES));
  if (!coding || !samples || begin === undefined || scale === 0 || look.byteLength < LOOK_BYTES)
    return undefined;
  const { all, end, firstShown } = samples;
  const { path } = from.file;
  return {
    track: { path, coding, scale, samples: all, end, entry, look },
    start: begin + firstShown / scale,
  };
}

/** 8.6.6: when the film begins with what is at 0 in the track, in s. `undefined`: it is cut into pieces. */
function beginOf(
  elst: Buffer,
  scales: { readonly film: number; readonly track: number },
): number | undefined {
  if (elst.byteLength === 0) return 0;
  const edits = editsIn(elst);
  const empty = edits[0]?.start === -1 ? edits.shift() : undefined;
  const [edit, ...more] = edits;
  if (!edit || more.length > 0 || edit.start < 0 || edit.speed !== NORMAL_SPEED) return undefined;
  return (empty ? empty.length / scales.film : 0) - edit.start / scales.track;
}

const NORMAL_SPEED = 0x10000;
const MOST_EDITS = 16;

function editsIn(
  elst: Buffer,
): { readonly length: number; readonly start: number; readonly speed: number }[] {
  const isLong = elst[0] === 1;
  return Array.from({ length: Math.min(elst.readUInt32BE(4), MOST_EDITS) }, (_, i) => {
    const at = 8 + i * (isLong ? 20 : 12);
    return isLong
      ? {
          length: Number(elst.readBigUInt64BE(at)),
          start: Number(elst.readBigInt64BE(at + 8)),
          speed: elst.readInt32BE(at + 16),
        }
      : { length: elst.readUInt32BE(at), start: elst.readInt32BE(at + 4), speed: elst.readInt32BE(at + 8) };
  });
}

/** Leaves out what is to be heard before the film begins: what a decoder is fed with before the sound does. */
async function withoutStart<Coding>(
  { track, start }: Placed<Coding>,
  begin: number,
  turns: Turns,
): Promise<Placed<Coding>> {
  const { samples, end, scale } = track;
  const ticks = (begin - start) * scale;
  // More than half of it is before.
  const middle = (i: number) => ((samples[i]?.decoded ?? 0) + (samples[i + 1]?.decoded ?? end)) / 2;
  let first = 0;
  while (first < samples.length - 1 && middle(first) < ticks) {
    first++;
    if (turns.isOver()) await turns.pass();
  }
  const by = samples[first]?.decoded ?? 0;
  return by === 0
    ? { track, start }
    : {
        track: { ...track, samples: await later(samples.slice(first), -by, turns), end: end - by },
        start: start + by / scale,
      };
}

/** Has the first sample from the film's begin on, and all that follow so much later. */
export async function fromBegin<Coding>(
  { track, start }: Placed<Coding>,
  begin: number,
  turns: Turns,
): Promise<Track<Coding>> {
  const ticks = Math.round((start - begin) * track.scale);
  if (!(ticks > 0)) return track;
  const { samples, end } = track;
  const all = [...samples.slice(0, 1)].concat(await later(samples.slice(1), ticks, turns));
  return { ...track, samples: all, end: end + ticks };
}

async function later(samples: readonly Sample[], ticks: number, turns: Turns): Promise<Sample[]> {
  const all: Sample[] = [];
  for (const sample of samples) {
    all.push({ ...sample, decoded: sample.decoded + ticks, shown: sample.shown + ticks });
    if (turns.isOver()) await turns.pass();
  }
  return all;
}

/** 8.2.2, 8.4.2: the time scale, in version 0 and 1. */
export const timesOf = (header: Buffer): { readonly scale: number } => ({
  scale: header.readUInt32BE(header[0] === 1 ? 20 : 12),
});

/** All that is in the table of contents of an MP4. @returns `undefined` where there is none that is usable. */
export async function readMoov(
  path: string,
): Promise<{ readonly moov: Buffer; readonly size: number } | undefined> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    for await (const { type, body, end } of topBoxes(file)) {
      if (type !== 'moov') continue;
      if (end - body > MOST_MOOV_BYTES || end > size) return undefined;
      const moov = Buffer.allocUnsafe(end - body);
      const { bytesRead } = await file.read(moov, 0, moov.byteLength, body);
      if (bytesRead < moov.byteLength) return undefined;
      return { moov, size };
    }
    return undefined;
  } finally {
    await file.close();
  }
}
