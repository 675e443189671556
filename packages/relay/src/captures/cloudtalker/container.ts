/** What a file is, by its first bytes: a cloudtalker does not say. @returns its usual extension. */
export function containerOf(start: Buffer): string {
  // ISO/IEC 14496-12 4.3: a file begins with its `ftyp` box, older ones with another.
  if (['ftyp', 'moov', 'mdat', 'free', 'wide'].includes(start.toString('latin1', 4, 8))) return 'mp4';
  // ISO/IEC 13818-1 2.4.3.2: each packet begins with the sync byte.
  if (start[0] === 0x47) return 'ts';
  // RFC 8794 11.2.1: an EBML header.
  if (start.length >= 4 && start.readUInt32BE(0) === 0x1a45dfa3) return 'mkv';
  if (start.toString('latin1', 0, 4) === 'RIFF') return 'avi';
  return 'bin';
}
