// ISO/IEC 13818-1 Annex A: CRC decoder model. Polynomial 0x04c11db7, begins with all ones, not reflected, not inverted.
const table = new Uint32Array(256);
for (let i = 0; i < 256; i++) {
  let value = i << 24;
  for (let bit = 0; bit < 8; bit++) value = value & 0x80000000 ? (value << 1) ^ 0x04c11db7 : value << 1;
  table[i] = value >>> 0;
}

/** The CRC-32 of PSI sections. Over a section with its own CRC_32 at the end it is 0. */
export function crc32(bytes: Uint8Array, start = 0, end = bytes.length): number {
  let crc = 0xffffffff;
  for (let i = start; i < end; i++) {
    crc = (crc << 8) ^ (table[((crc >>> 24) ^ (bytes[i] as number)) & 0xff] as number);
  }
  return crc >>> 0;
}
