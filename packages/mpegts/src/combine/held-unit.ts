import { PACKET_BYTES, payloadStart } from '../packet/packet.ts';
import { type PesStamps, readStamps } from './pes-stamps.ts';

/** No header needs more packets, and no audio unit that is worth waiting for is larger. */
const MOST_PACKETS = 64;

/** The first packets of a unit, copied, until enough is there: the header, or the whole. */
export class HeldUnit {
  readonly randomAccess: boolean;
  readonly discontinuity: boolean;
  readonly gap: number;
  /** It waits until all of it is there. */
  readonly whole: boolean;
  #bytes = new Uint8Array(4 * PACKET_BYTES);
  #packets = 0;
  #payload = 0;

  /** `whole`: wait for all of it, to see how long its sound lasts. */
  constructor(options: { whole: boolean; randomAccess: boolean; discontinuity: boolean; gap: number }) {
    this.whole = options.whole;
    this.randomAccess = options.randomAccess;
    this.discontinuity = options.discontinuity;
    this.gap = options.gap;
  }

  get bytes(): Uint8Array {
    return this.#bytes;
  }

  get packets(): number {
    return this.#packets;
  }

  /** A packet of it. What it can be said to be now: its header, `short` while more is needed, or no PES packet at all. */
  add(bytes: Uint8Array, at: number): PesStamps | 'short' | 'bad' {
    const size = (this.#packets + 1) * PACKET_BYTES;
    if (size > this.#bytes.length) {
      const larger = new Uint8Array(size * 2);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes.set(bytes.subarray(at, at + PACKET_BYTES), this.#packets * PACKET_BYTES);
    this.#packets++;
    this.#payload += at + PACKET_BYTES - payloadStart(bytes, at);
    return this.judge();
  }

  /** As {@link add}, without another packet. `last`: no more will come, and what is there must do. */
  judge(last = false): PesStamps | 'short' | 'bad' {
    const stamps = readStamps(this.#bytes, 0, this.#packets);
    const full = this.#packets >= MOST_PACKETS;
    if (stamps === 'bad') return 'bad';
    if (stamps === 'short') return full ? 'bad' : 'short';
    if (last || full || !this.whole || stamps.bytes === 0) return stamps;
    return this.#payload >= stamps.bytes ? stamps : 'short';
  }

  /** The PES payload, as far as it is there. */
  payload(stamps: PesStamps): Uint8Array {
    const payload = new Uint8Array(this.#payload);
    let length = 0;
    for (let i = 0; i < this.#packets; i++) {
      const packet = i * PACKET_BYTES;
      const start = payloadStart(this.#bytes, packet);
      payload.set(this.#bytes.subarray(start, packet + PACKET_BYTES), length);
      length += packet + PACKET_BYTES - start;
    }
    const end = stamps.bytes > 0 ? Math.min(length, stamps.bytes) : length;
    return payload.subarray(Math.min(stamps.payload, end), end);
  }
}
