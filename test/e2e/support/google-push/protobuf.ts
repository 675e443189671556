// https://protobuf.dev/programming-guides/encoding/: as much of it as a push service double needs.

/** One field of a message: its number and value. Text and bytes alike are of a declared length; numbers are varints. */
export type Field = readonly [number: number, value: string | Buffer | number | { readonly fixed64: bigint }];

export function encodeMessage(fields: readonly Field[]): Buffer {
  return Buffer.concat(
    fields.map(([number, value]) => {
      if (typeof value === 'number') return Buffer.concat([varint(number << 3), varint(value)]);
      if (typeof value === 'object' && 'fixed64' in value) {
        const bytes = Buffer.alloc(8);
        bytes.writeBigUInt64LE(value.fixed64);
        return Buffer.concat([varint((number << 3) | 1), bytes]);
      }
      const bytes = Buffer.from(value as string);
      return Buffer.concat([varint((number << 3) | 2), varint(bytes.length), bytes]);
    }),
  );
}

export function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  bytes.push(rest);
  return Buffer.from(bytes);
}

/** A varint at the beginning; `undefined` where it is not whole yet. */
export function readVarint(bytes: Buffer): { value: number; length: number } | undefined {
  let value = 0;
  for (const [i, byte] of bytes.entries()) {
    value += (byte & 0x7f) * 128 ** i;
    if (byte < 0x80) return { value, length: i + 1 };
  }
  return undefined;
}
