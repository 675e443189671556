import type { Part } from './parts.ts';
import { LONGEST_PIECE } from './pieces.ts';

/** A part with its address, seen from the playlist. */
export interface ListedPart {
  readonly part: Part;
  readonly address: string;
}

/**
 * An HLS playlist (RFC 8216) of type EVENT: it only grows, and ends when nothing more is to come. Each part is a
 * fragmented MP4 of an encoder of its own that begins at 0, so each follows a discontinuity and brings its own
 * initialisation. It is to be played from the beginning, also while it arrives: it is no live picture.
 */
export function writePlaylist(parts: readonly ListedPart[], isComplete: boolean): string {
  const longest = Math.max(
    LONGEST_PIECE,
    ...parts.flatMap(({ part }) => part.pieces.map(({ seconds }) => Math.round(seconds))),
  );
  const lines = [
    '#EXTM3U',
    '#EXT-X-VERSION:7',
    '#EXT-X-PLAYLIST-TYPE:EVENT',
    `#EXT-X-TARGETDURATION:${longest}`,
    '#EXT-X-MEDIA-SEQUENCE:0',
    '#EXT-X-START:TIME-OFFSET=0',
  ];
  for (const [i, { part, address }] of parts.entries()) {
    // RFC 8216 4.3.2.3 (discontinuity), 4.3.2.5 (map), 4.3.2.2 (byte range).
    if (i > 0) lines.push('#EXT-X-DISCONTINUITY');
    lines.push(`#EXT-X-MAP:URI="${address}",BYTERANGE="${part.head}@0"`);
    for (const { at, bytes, seconds } of part.pieces) {
      lines.push(`#EXTINF:${seconds.toFixed(3)},`, `#EXT-X-BYTERANGE:${bytes}@${at}`, address);
    }
  }
  if (isComplete) lines.push('#EXT-X-ENDLIST');
  return `${lines.join('\n')}\n`;
}
