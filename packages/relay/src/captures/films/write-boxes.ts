/** Makes a box (ISO/IEC 14496-12 4.2). */
export function box(type: string, ...content: readonly Uint8Array[]): Buffer {
  const head = uint32(8 + content.reduce((sum, { byteLength }) => sum + byteLength, 0), 0);
  head.write(type, 4, 'latin1');
  return Buffer.concat([head, ...content]);
}

/** One with a version and flags. */
export const fullBox = (
  type: string,
  { version = 0, flags = 0 }: { readonly version?: number; readonly flags?: number },
  ...content: readonly Uint8Array[]
): Buffer => box(type, uint32(version * 2 ** 24 + flags), ...content);

/** Numbers as a box has them. Negative ones are two's complements. */
export const uint32 = (...values: readonly number[]): Buffer => uint32s(values);

/** The same for tables, which have more numbers than a call may. */
export function uint32s(values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [i, value] of values.entries()) bytes.writeUInt32BE(value >>> 0, i * 4);
  return bytes;
}

export const uint64 = (...values: readonly number[]): Buffer => uint64s(values);

export function uint64s(values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 8);
  for (const [i, value] of values.entries()) bytes.writeBigUInt64BE(BigInt(value), i * 8);
  return bytes;
}
