// Finding packets in bytes. ISO/IEC 13818-1 leaves it to the receiver; a sync byte alone proves nothing, since 0x47
// is also a payload byte, so a position is believed when several packets in a row agree.
import { concat, u8 } from '../bytes.ts';
import { looksLikePacket, PACKET_BYTES, SYNC_BYTE } from './packet.ts';

/** How many plausible packet headers in a row, a packet apart, are believed. */
const CONFIRM = 3;
/** So much of a header is looked at: up to the length of the adaptation field. */
const HEADER_BYTES = 5;
const EMPTY = new Uint8Array(0);

/** Distances from packet to packet: plain, with the time code of Blu-ray and camcorders in front, with parity behind. */
export type PacketStride = 188 | 192 | 204;

export interface PacketSyncOptions {
  /**
   * Whole packets, one after the other: the first at `start`, the next `stride` later, the last ends before `end`.
   * `bytes` is what was pushed, or for a packet that was split over two pushes a new array that nobody writes to again.
   */
  onPackets(bytes: Uint8Array, start: number, end: number, stride: PacketStride): void;
  /** So many bytes belonged to no packet. Called once for each gap, when it is over. */
  onSkipped?(bytes: number): void;
  /** Distances to try. Default: only 188. */
  readonly strides?: readonly PacketStride[];
}

/**
 * Cuts bytes into packets. What it delivers does not depend on how the bytes were cut into pushes.
 * Holds at most three packets.
 */
export class PacketSync {
  readonly #onPackets: PacketSyncOptions['onPackets'];
  readonly #onSkipped: PacketSyncOptions['onSkipped'];
  readonly #strides: readonly PacketStride[];
  #stride: PacketStride;
  #locked = false;
  #skipped = 0;
  /** The begin of a packet while locked, what is not yet judged while searching: the first `#held` bytes of `#tail`. */
  #tail: Uint8Array = EMPTY;
  #held = 0;

  constructor(options: PacketSyncOptions) {
    this.#onPackets = options.onPackets;
    this.#onSkipped = options.onSkipped;
    this.#strides = options.strides ?? [PACKET_BYTES];
    this.#stride = this.#strides[0] ?? PACKET_BYTES;
  }

  /** Whether the position of packets is known. */
  get locked(): boolean {
    return this.#locked;
  }

  /** The begin of a packet that is not complete yet; empty at a packet boundary. A view: copy it to keep it. */
  get pending(): Uint8Array {
    return this.#tail.subarray(0, this.#held);
  }

  /** Says that the next byte pushed begins a packet. */
  lock(): void {
    this.#locked = true;
    this.#held = 0;
  }

  /** Forgets the position and what is pending. */
  reset(): void {
    this.#locked = false;
    this.#held = 0;
  }

  push(bytes: Uint8Array): void {
    if (this.#held === 0) {
      this.#scan(bytes, 0, false);
      return;
    }
    if (!this.#locked) {
      const unjudged = this.pending;
      this.#held = 0;
      this.#scan(concat(unjudged, bytes), 0, false);
      return;
    }
    const missing = Math.min(bytes.length, this.#stride - this.#held);
    this.#tail.set(bytes.subarray(0, missing), this.#held);
    this.#held += missing;
    if (this.#held < this.#stride) return;
    // It is given away; the next split packet gets another array.
    this.#held = 0;
    this.#onPackets(this.#tail, 0, this.#stride, this.#stride);
    this.#scan(bytes, missing, false);
  }

  /** No more bytes come: judges what is left by what there is of it, and forgets the rest. */
  flush(): void {
    const left = this.pending;
    this.#held = 0;
    if (left.length > 0) this.#scan(left, 0, true);
    this.#reportSkipped();
    this.#locked = false;
  }

  #scan(bytes: Uint8Array, from: number, last: boolean): void {
    let at = from;
    const length = bytes.length;
    while (at < length) {
      if (!this.#locked) {
        const found = this.#search(bytes, at, last);
        this.#skipped += found - at;
        at = found;
        if (!this.#locked) {
          if (last) this.#skipped += length - at;
          else this.#hold(bytes, at, length - at);
          return;
        }
        this.#reportSkipped();
      }
      const stride = this.#stride;
      const start = at;
      while (at + stride <= length && bytes[at] === SYNC_BYTE) at += stride;
      if (at > start) this.#onPackets(bytes, start, at, stride);
      if (at >= length) return;
      if (u8(bytes, at) !== SYNC_BYTE) {
        this.#locked = false;
        continue;
      }
      // With parity or without, the last packet of a stream has its 188 bytes.
      if (last && at + PACKET_BYTES <= length) this.#onPackets(bytes, at, at + PACKET_BYTES, stride);
      else if (last) this.#skipped += length - at;
      else this.#hold(bytes, at, stride);
      return;
    }
  }

  #hold(bytes: Uint8Array, from: number, capacity: number): void {
    this.#tail = new Uint8Array(capacity);
    this.#tail.set(bytes.subarray(from));
    this.#held = bytes.length - from;
  }

  /** Where a packet begins (and locks), or else from where on it cannot be told yet. */
  #search(bytes: Uint8Array, from: number, last: boolean): number {
    const reach = (CONFIRM - 1) * Math.max(...this.#strides) + HEADER_BYTES;
    for (let at = bytes.indexOf(SYNC_BYTE, from); at >= 0; at = bytes.indexOf(SYNC_BYTE, at + 1)) {
      if (!last && at + reach > bytes.length) return at;
      for (const stride of this.#strides) {
        if (!agrees(bytes, at, stride, last)) continue;
        this.#stride = stride;
        this.#locked = true;
        return at;
      }
    }
    return bytes.length;
  }

  #reportSkipped(): void {
    if (this.#skipped === 0) return;
    const skipped = this.#skipped;
    this.#skipped = 0;
    this.#onSkipped?.(skipped);
  }
}

/** At the end of the stream what is not there is believed, but one packet has to be whole. */
const agrees = (bytes: Uint8Array, at: number, stride: number, last: boolean): boolean => {
  if (last && at + PACKET_BYTES > bytes.length) return false;
  for (let i = 0; i < CONFIRM; i++) {
    if (!looksLikePacket(bytes, at + i * stride, bytes.length)) return false;
  }
  return true;
};
