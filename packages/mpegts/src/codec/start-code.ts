/**
 * Where the next start code prefix 00 00 01 begins, at or after `from` and wholly before `end`, or -1
 * (ISO/IEC 11172-2 2.3, 13818-2 5.2.3, 14496-10 Annex B).
 */
export function nextStartCode(bytes: Uint8Array, from: number, end: number): number {
  // Looks at every third byte where it can: a byte above 1 is no part of the prefix.
  let at = from + 2;
  while (at < end) {
    const byte = bytes[at] as number;
    if (byte > 1) at += 3;
    else if (byte === 0) at += 1;
    else if (bytes[at - 1] === 0 && bytes[at - 2] === 0) return at - 2;
    else at += 3;
  }
  return -1;
}
