/** What begins a kind of file: bytes at an offset, and what people call it. */
const kinds: readonly { readonly at: number; readonly bytes: readonly number[]; readonly name: string }[] = [
  { at: 4, bytes: [0x66, 0x74, 0x79, 0x70], name: 'an MP4 or MOV file' },
  { at: 0, bytes: [0x1a, 0x45, 0xdf, 0xa3], name: 'a Matroska or WebM file' },
  { at: 0, bytes: [0x46, 0x4c, 0x56], name: 'an FLV file' },
  { at: 0, bytes: [0x4f, 0x67, 0x67, 0x53], name: 'an Ogg file' },
  { at: 0, bytes: [0x52, 0x49, 0x46, 0x46], name: 'a RIFF file (AVI or WAV)' },
  { at: 0, bytes: [0x00, 0x00, 0x01, 0xba], name: 'an MPEG program stream' },
  { at: 0, bytes: [0x00, 0x00, 0x01, 0xb3], name: 'a bare MPEG video stream' },
  { at: 0, bytes: [0x00, 0x00, 0x00, 0x01], name: 'a bare H.264 or H.265 stream' },
  { at: 0, bytes: [0x00, 0x00, 0x01], name: 'a bare MPEG elementary stream' },
  { at: 0, bytes: [0x49, 0x44, 0x33], name: 'an MP3 file with ID3 tags' },
  { at: 0, bytes: [0xff, 0xd8, 0xff], name: 'a JPEG picture' },
  { at: 0, bytes: [0xff, 0xf1], name: 'a bare AAC stream' },
  { at: 0, bytes: [0xff, 0xf9], name: 'a bare AAC stream' },
  { at: 0, bytes: [0xff, 0xfb], name: 'a bare MP3 stream' },
  { at: 0, bytes: [0xff, 0xfd], name: 'a bare MP2 stream' },
  { at: 0, bytes: [0x89, 0x50, 0x4e, 0x47], name: 'a PNG picture' },
  { at: 0, bytes: [0x1f, 0x8b], name: 'gzip-compressed data' },
  { at: 0, bytes: [0x50, 0x4b, 0x03, 0x04], name: 'a ZIP archive' },
  { at: 0, bytes: [0x7f, 0x45, 0x4c, 0x46], name: 'a program' },
];

/** What bytes look like that are no transport stream, in words. */
export function describeBytes(begin: Uint8Array): string {
  if (begin.length === 0) return 'it is empty';
  const hex = Array.from(begin.subarray(0, 8), (byte) => byte.toString(16).padStart(2, '0')).join(' ');
  const kind = kinds.find(({ at, bytes }) => bytes.every((byte, i) => begin[at + i] === byte));
  if (kind) return `it begins with ${hex}, like ${kind.name}`;
  const line = firstLine(begin.subarray(0, 64));
  if (line !== undefined) return `it is text: ${JSON.stringify(line.slice(0, 40))}`;
  return `it begins with ${hex}`;
}

/** The first line of what can be read as text, else undefined. */
function firstLine(head: Uint8Array): string | undefined {
  if (head.some((byte) => byte === 0x7f || (byte < 0x20 && ![9, 10, 13].includes(byte)))) return undefined;
  try {
    // Streaming, since a character may be cut off at the end.
    return new TextDecoder('utf-8', { fatal: true }).decode(head, { stream: true }).split(/[\r\n]/, 1)[0];
  } catch {
    return undefined; // not UTF-8, so not text
  }
}
