import { u8, u16 } from '../bytes.ts';
import { limits } from '../limits.ts';
import { hasStartCode, PES_PREFIX_BYTES, type PesHeader, parsePesHeader } from './header.ts';

/** What can be wrong with a PES packet. */
export type PesFault =
  /** A unit start without 00 00 01. */
  | 'start-code'
  /** Its header contradicts itself. */
  | 'header'
  /** It ended before its length, or packets of it were lost. What came is delivered as damaged. */
  | 'truncated'
  /** It went on after its length, or after a stuffed packet had seemed to end it. */
  | 'overrun'
  /** Longer than {@link limits.pesBytes}, or all together longer than {@link limits.bufferedBytes}. It is dropped. */
  | 'too-long';

/** A PES packet. The payload is a view that is only valid during the call. */
export interface PesPacket {
  readonly header: PesHeader;
  readonly payload: Uint8Array;
  /** random_access_indicator of its first packet. */
  readonly randomAccess: boolean;
  /** Part of it is missing. */
  readonly damaged: boolean;
}

/** How much all assemblers of one demuxer hold together. */
export interface BufferBudget {
  used: number;
}

export interface PesAssemblerOptions {
  onPes(pes: PesPacket): void;
  onFault(fault: PesFault): void;
  readonly budget: BufferBudget;
}

const FIRST_BUFFER = 4096;

/**
 * Puts the PES packets of one PID together. A PES packet is delivered as soon as its end is seen: at its length, at a
 * packet that is stuffed, or at the next unit start, whichever is first. A stream that stuffs inside its PES packets is
 * noticed when one goes on after its seeming end; from then on stuffing ends nothing.
 */
export class PesAssembler {
  readonly #options: PesAssemblerOptions;
  #buffer = new Uint8Array(0);
  #length = 0;
  #randomAccess = false;
  /** `ended`: the next unit start is awaited, and payload before it is a surprise. */
  #state: 'waiting' | 'collecting' | 'ended' | 'ended-by-stuffing' = 'waiting';
  #stuffingEnds = true;

  constructor(options: PesAssemblerOptions) {
    this.#options = options;
  }

  /** The payload of one packet. `stuffed`: its adaptation field holds stuffing. */
  push(
    bytes: Uint8Array,
    start: number,
    end: number,
    unitStart: boolean,
    stuffed: boolean,
    randomAccess: boolean,
  ): void {
    if (unitStart) {
      if (this.#state === 'collecting') this.#finish(this.#total() > 0);
      this.#state = 'collecting';
      this.#length = 0;
      this.#randomAccess = randomAccess;
    } else if (this.#state !== 'collecting') {
      this.#surprise();
      return;
    }
    if (!this.#append(bytes, start, end)) return;
    if (this.#length < PES_PREFIX_BYTES) return;
    if (!hasStartCode(this.#buffer, 0)) {
      this.#state = 'waiting';
      this.#options.onFault('start-code');
      return;
    }
    const total = this.#total();
    if (total > 0) {
      if (this.#length < total) return;
      const overrun = this.#length > total;
      this.#length = total;
      this.#finish(false);
      this.#state = 'ended';
      if (overrun) this.#options.onFault('overrun');
    } else if (stuffed && this.#stuffingEnds) {
      this.#finish(false);
      this.#state = 'ended-by-stuffing';
    }
  }

  /** Packets of this PID were lost. */
  lost(): void {
    if (this.#state === 'collecting') this.#finish(true);
    this.#state = 'waiting';
  }

  /** No more packets come. What has no length is taken as complete. */
  flush(): void {
    if (this.#state === 'collecting') this.#finish(this.#total() > 0);
    this.#state = 'waiting';
  }

  /** Gives the memory back. */
  close(): void {
    this.#options.budget.used -= this.#buffer.length;
    this.#buffer = new Uint8Array(0);
    this.#length = 0;
    this.#state = 'waiting';
  }

  /** 2.4.3.7 PES_packet_length: the bytes after that field; 0, for video only, says nothing. Here with what is before. */
  #total(): number {
    const length = this.#length >= PES_PREFIX_BYTES ? u16(this.#buffer, 4) : 0;
    return length > 0 ? PES_PREFIX_BYTES + length : 0;
  }

  #surprise(): void {
    if (this.#state === 'waiting') return;
    if (this.#state === 'ended-by-stuffing') this.#stuffingEnds = false;
    this.#state = 'waiting';
    this.#options.onFault('overrun');
  }

  #append(bytes: Uint8Array, start: number, end: number): boolean {
    const size = end - start;
    if (this.#length + size > this.#buffer.length && !this.#grow(this.#length + size)) {
      this.#state = 'waiting';
      this.#length = 0;
      this.#options.onFault('too-long');
      return false;
    }
    this.#buffer.set(bytes.subarray(start, end), this.#length);
    this.#length += size;
    return true;
  }

  #grow(needed: number): boolean {
    const size = Math.min(limits.pesBytes, Math.max(FIRST_BUFFER, this.#buffer.length * 2, needed));
    const more = size - this.#buffer.length;
    const { budget } = this.#options;
    if (size < needed || budget.used + more > limits.bufferedBytes) return false;
    budget.used += more;
    const buffer = new Uint8Array(size);
    buffer.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = buffer;
    return true;
  }

  #finish(damaged: boolean): void {
    const bytes = this.#buffer.subarray(0, this.#length);
    if (this.#length < PES_PREFIX_BYTES || u8(bytes, 0) !== 0) {
      this.#options.onFault('truncated');
      return;
    }
    const header = parsePesHeader(bytes);
    if (!header) {
      this.#options.onFault('header');
      return;
    }
    if (damaged) this.#options.onFault('truncated');
    const payload = bytes.subarray(header.payload);
    this.#options.onPes({ header, payload, randomAccess: this.#randomAccess, damaged });
  }
}
