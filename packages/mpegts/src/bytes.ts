/**
 * One byte. Outside the array it is 0, so that a parser which has checked its lengths need not say so twice, and one
 * that has not reads zeros rather than throwing.
 */
export const u8 = (bytes: Uint8Array, at: number): number => (bytes[at] as number) | 0;

/** Two bytes, big endian, unsigned. */
export const u16 = (bytes: Uint8Array, at: number): number => (u8(bytes, at) << 8) | u8(bytes, at + 1);

/** Four bytes, big endian, unsigned. */
export const u32 = (bytes: Uint8Array, at: number): number =>
  ((u8(bytes, at) << 24) | (u8(bytes, at + 1) << 16) | (u8(bytes, at + 2) << 8) | u8(bytes, at + 3)) >>> 0;

/** A new array that holds the parts one after the other. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Whether both hold the same bytes. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
