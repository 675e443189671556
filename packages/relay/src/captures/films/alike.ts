import { open } from 'node:fs/promises';
import { boxesOf, inside } from './boxes.ts';
import { topBoxes } from './top-boxes.ts';

/** What an MP4 says about itself, as far as it decides whether others can follow it. */
export interface Likeness {
  /** Equal where tracks, their order, time scales and decoders' settings are. */
  readonly key: string;
  /** In ms. */
  readonly duration: number;
}

/** A larger `moov` is not looked at. */
const MOST_MOOV_BYTES = 4 * 1024 * 1024;
/** An edit list hides so much at most: what B frames need. More hides pictures. */
const MOST_HIDDEN_SECONDS = 0.25;

/**
 * Reads the tables of an MP4 (ISO/IEC 14496-12); nothing is run for it. Files with equal keys can be joined as they are.
 *
 * @returns `undefined` where it is none, is in fragments, or has anything out of the ordinary.
 */
export async function likenessOf(path: string): Promise<Likeness | undefined> {
  const moov = await readMoov(path).catch(() => undefined);
  if (!moov) return undefined;
  try {
    return describe(moov);
  } catch (error) {
    if (error instanceof RangeError) return undefined; // it ends in the middle of a field
    throw error;
  }
}

function describe(moov: Buffer): Likeness | undefined {
  const boxes = boxesOf(moov);
  const movie = boxes.find(({ type }) => type === 'mvhd')?.body;
  if (!movie || boxes.some(({ type }) => type === 'mvex')) return undefined;
  const { scale, length } = timesOf(movie);
  const tracks = boxes.filter(({ type }) => type === 'trak').map(({ body }) => trackKey(body));
  if (scale === 0 || tracks.length === 0 || tracks.includes(undefined)) return undefined;
  return { key: tracks.join('|'), duration: Math.round((length / scale) * 1_000) };
}

/** 8.3–8.5: handler, time scale, and what the decoder is set up with. `undefined`: out of the ordinary. */
function trackKey(track: Buffer): string | undefined {
  const media = boxesOf(inside(track, 'mdia'));
  const header = media.find(({ type }) => type === 'mdhd')?.body;
  const handler = media.find(({ type }) => type === 'hdlr')?.body.toString('latin1', 8, 12);
  const stsd = inside(track, 'mdia', 'minf', 'stbl', 'stsd');
  if (!header || stsd.byteLength < 16 || stsd.readUInt32BE(4) !== 1) return undefined;
  const { scale } = timesOf(header);
  const edits = inside(track, 'edts', 'elst');
  if (edits.byteLength > 0 && !isUsual(edits, scale)) return undefined;
  const entry = stsd.subarray(8);
  const codec = entry.toString('latin1', 4, 8);
  // 12.1.3, 12.2.3: width and height, channels and rate are in the first bytes of the entry.
  const shape = entry.toString('hex', 24, 36);
  const setup = setupOf(codec, entry);
  // 8.3.2: how it is turned.
  const turn = inside(track, 'tkhd').subarray(-44, -8).toString('hex');
  return setup === undefined ? undefined : `${handler} ${scale} ${codec} ${shape} ${setup} ${turn}`;
}

/** 8.6.6: one edit that begins where the first picture is shown. */
function isUsual(edits: Buffer, scale: number): boolean {
  if (edits.readUInt32BE(4) !== 1) return false;
  const start = edits[0] === 1 ? Number(edits.readBigInt64BE(16)) : edits.readInt32BE(12);
  return start >= 0 && start / scale <= MOST_HIDDEN_SECONDS;
}

/** The parameter sets, or the configuration of AAC. Bit rates, which differ from file to file, are left out. */
function setupOf(codec: string, entry: Buffer): string | undefined {
  if (codec === 'avc1' || codec === 'hvc1' || codec === 'hev1') {
    // ISO/IEC 14496-12 12.1.3: 86 bytes of sample entry, then its boxes.
    const name = codec === 'avc1' ? 'avcC' : 'hvcC';
    return boxesOf(entry.subarray(86, entry.readUInt32BE(0)))
      .find(({ type }) => type === name)
      ?.body.toString('hex');
  }
  if (codec !== 'mp4a') return undefined;
  const esds = boxesOf(entry.subarray(36, entry.readUInt32BE(0))).find(({ type }) => type === 'esds')?.body;
  // ISO/IEC 14496-1 7.2.6.6: the last descriptor but one is the decoder's configuration, tag 5.
  const at = esds?.indexOf(Buffer.from([0x05, 0x80, 0x80, 0x80])) ?? -1;
  return esds && at !== -1 ? esds.toString('hex', at + 5, at + 5 + (esds[at + 4] ?? 0)) : undefined;
}

/** 8.2.2, 8.4.2: time scale and length, in version 0 and 1. */
function timesOf(header: Buffer): { readonly scale: number; readonly length: number } {
  return header[0] === 1
    ? { scale: header.readUInt32BE(20), length: Number(header.readBigUInt64BE(24)) }
    : { scale: header.readUInt32BE(12), length: header.readUInt32BE(16) };
}

async function readMoov(path: string): Promise<Buffer | undefined> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    for await (const { type, body, end } of topBoxes(file)) {
      if (type !== 'moov') continue;
      if (end - body > MOST_MOOV_BYTES || end > size) return undefined;
      const moov = Buffer.alloc(end - body);
      await file.read(moov, 0, moov.byteLength, body);
      return moov;
    }
    return undefined;
  } finally {
    await file.close();
  }
}
