import { open } from 'node:fs/promises';
import { FilmError } from './errors.ts';
import type { Part } from './parts.ts';

/** A part with its address, seen from the playlist. */
export interface ListedPart {
  readonly part: Part;
  readonly address: string;
}

/**
 * An HLS playlist (RFC 8216) of type EVENT: it only grows, and ends when nothing more is to come. Each part is one
 * fragmented MP4 of an encoder of its own, so each follows a discontinuity and brings its own initialisation.
 */
export async function writePlaylist(parts: readonly ListedPart[], isComplete: boolean): Promise<string> {
  const longest = Math.max(1, ...parts.map(({ part }) => Math.ceil(part.duration / 1_000)));
  const lines = [
    '#EXTM3U',
    '#EXT-X-VERSION:7',
    '#EXT-X-PLAYLIST-TYPE:EVENT',
    `#EXT-X-TARGETDURATION:${longest}`,
    '#EXT-X-MEDIA-SEQUENCE:0',
  ];
  for (const [i, { part, address }] of parts.entries()) {
    const { head, size } = await extentsOf(part.mp4);
    // RFC 8216 4.3.2.3 (discontinuity), 4.3.2.5 (map), 4.3.2.2 (byte range).
    if (i > 0) lines.push('#EXT-X-DISCONTINUITY');
    lines.push(
      `#EXT-X-MAP:URI="${address}",BYTERANGE="${head}@0"`,
      `#EXTINF:${(part.duration / 1_000).toFixed(3)},`,
      `#EXT-X-BYTERANGE:${size - head}@${head}`,
      address,
    );
  }
  if (isComplete) lines.push('#EXT-X-ENDLIST');
  return `${lines.join('\n')}\n`;
}

/** ISO/IEC 14496-12 4.2: a box begins with its size (32 bits; 1: 64 bits follow the type) and its type. */
const BOX_HEADER_BYTES = 16;
/** Boxes before the first fragment: ftyp, moov, and perhaps few others. */
const MOST_BOXES = 16;

/** How long the initialisation of a fragmented MP4 is: all before its first `moof`; and the file. */
async function extentsOf(path: string): Promise<{ readonly head: number; readonly size: number }> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const header = Buffer.alloc(BOX_HEADER_BYTES);
    for (let at = 0, boxes = 0; at < size && boxes < MOST_BOXES; boxes++) {
      await file.read(header, 0, BOX_HEADER_BYTES, at);
      if (header.toString('latin1', 4, 8) === 'moof') return { head: at, size };
      const short = header.readUInt32BE(0);
      const bytes = short === 1 ? Number(header.readBigUInt64BE(8)) : short;
      if (bytes < 8) break;
      at += bytes;
    }
  } finally {
    await file.close();
  }
  throw new FilmError('media', 'a part of this film has no fragments');
}
