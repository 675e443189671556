import { u8 } from '../bytes.ts';

/** Reads bits, most significant first. Past the end it reads zeros, and {@link overrun} tells. */
export class BitReader {
  readonly #bytes: Uint8Array;
  #bit: number;

  constructor(bytes: Uint8Array, firstByte = 0) {
    this.#bytes = bytes;
    this.#bit = firstByte * 8;
  }

  /** More was read than there was. */
  get overrun(): boolean {
    return this.#bit > this.#bytes.length * 8;
  }

  /** How many bits are before the next one. */
  get position(): number {
    return this.#bit;
  }

  /** So many bits from a position on, as bytes of their own, filled up with zeros. Does not move. */
  copy(position: number, count: number): Uint8Array {
    const bits = new BitReader(this.#bytes);
    bits.skip(position);
    const spare = (8 - (count % 8)) % 8;
    const bytes = Uint8Array.from({ length: (count + spare) / 8 }, () => bits.read(8));
    const last = bytes.length - 1;
    if (spare > 0) bytes[last] = u8(bytes, last) & (0xff << spare);
    return bytes;
  }

  /** Up to 32 bits, unsigned. */
  read(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i++, this.#bit++) {
      value = value * 2 + ((u8(this.#bytes, this.#bit >> 3) >> (7 - (this.#bit & 7))) & 1);
    }
    return value;
  }

  flag(): boolean {
    return this.read(1) === 1;
  }

  skip(count: number): void {
    this.#bit += count;
  }

  /** ISO/IEC 14496-10 9.1: ue(v), an Exp-Golomb code. */
  unsigned(): number {
    let zeros = 0;
    while (zeros < 32 && !this.overrun && this.read(1) === 0) zeros++;
    return zeros === 0 ? 0 : 2 ** zeros - 1 + this.read(zeros);
  }

  /** ISO/IEC 14496-10 9.1.1: se(v). */
  signed(): number {
    const code = this.unsigned();
    return code % 2 === 1 ? (code + 1) / 2 : 0 - code / 2;
  }
}
