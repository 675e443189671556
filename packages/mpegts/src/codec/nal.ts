// What H.264 (ISO/IEC 14496-10) and H.265 (23008-2) have in common: NAL units in Annex B byte streams.
import { sameBytes, u8 } from '../bytes.ts';

/** Longer parameter sets do not exist in practice; this bounds what is kept. */
export const MOST_SET_BYTES = 4096;
/** A stream with more sets of a kind than this keeps the latest. */
const MOST_SETS = 32;

/** A NAL unit without trailing_zero_8bits (B.1.2). A view. */
export function trimmed(bytes: Uint8Array, start: number, end: number): Uint8Array {
  let stop = end;
  while (stop > start && bytes[stop - 1] === 0) stop--;
  return bytes.subarray(start, stop);
}

/** The RBSP of a NAL unit: without its first byte and without emulation_prevention_three_byte (7.3.1). */
export function rbspOf(nal: Uint8Array): Uint8Array {
  const rbsp = new Uint8Array(nal.length);
  let length = 0;
  let zeros = 0;
  for (let i = 1; i < nal.length; i++) {
    const byte = u8(nal, i);
    if (zeros >= 2 && byte === 3) {
      zeros = 0;
      continue;
    }
    rbsp[length++] = byte;
    zeros = byte === 0 ? zeros + 1 : 0;
  }
  return rbsp.subarray(0, length);
}

/** An ue(v) below 256 that begins with the byte at `at`; its code is in three bytes. */
export function leadingUe(nal: Uint8Array, at: number): number {
  const bits = (u8(nal, at) << 16) | (u8(nal, at + 1) << 8) | u8(nal, at + 2);
  const zeros = Math.clz32(bits) - 8;
  return zeros > 8 ? 255 : ((bits >> (23 - 2 * zeros)) & (2 ** (zeros + 1) - 1)) - 1;
}

/** The latest parameter sets of one kind, by id. */
export class ParameterSets {
  readonly #sets = new Map<number, Uint8Array>();

  /** Takes a set, a view of a NAL unit; whether it says something new. */
  take(id: number, set: Uint8Array): boolean {
    const known = this.#sets.get(id);
    if (known && sameBytes(set, known)) return false;
    if (!known && this.#sets.size >= MOST_SETS) this.#sets.delete(this.#sets.keys().next().value ?? 0);
    this.#sets.set(id, set.slice());
    return true;
  }

  get size(): number {
    return this.#sets.size;
  }

  /** The sets, without start codes. */
  list(): Uint8Array[] {
    return [...this.#sets.values()];
  }
}
