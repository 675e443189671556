// ISO/IEC 13818-1 2.4.3.3 continuity_counter: counts the packets of a PID that have a payload, modulo 16. A packet may
// be sent twice, then the counter stays; the second is to be ignored.
import { u8, u32 } from '../bytes.ts';
import { counterOf, hasPayload, isDiscontinuity, isUnitStart, PACKET_BYTES, PID_COUNT } from './packet.ts';

/** `lost`: packets are missing before this one. `again`: it is the one before once more. */
export type Continuity = 'good' | 'again' | 'lost';

/** Checks the continuity counters of all PIDs. */
export class ContinuityCheck {
  /** The counter last seen, −1 before the first packet. */
  readonly #last = new Int8Array(PID_COUNT).fill(-1);
  /** The end of the packet last seen, and whether it was a repetition: two packets with one counter may differ. */
  readonly #print = new Uint32Array(PID_COUNT);
  readonly #repeated = new Uint8Array(PID_COUNT);

  /** The counter that the next packet of a PID should have, −1 if it may be any. */
  expected(pid: number): number {
    const last = this.#last[pid] as number;
    return last < 0 ? -1 : (last + 1) & 15;
  }

  /** To be called for every packet but null packets. */
  check(pid: number, bytes: Uint8Array, packet: number): Continuity {
    // Without payload the counter stands still and says nothing.
    if (!hasPayload(bytes, packet)) {
      if (isDiscontinuity(bytes, packet)) this.#last[pid] = -1;
      return 'good';
    }
    const counter = counterOf(bytes, packet);
    const last = this.#last[pid] as number;
    const print = printOf(bytes, packet);
    const same = counter === last && print === this.#print[pid];
    this.#last[pid] = counter;
    this.#print[pid] = print;
    if (last < 0 || isDiscontinuity(bytes, packet) || counter === ((last + 1) & 15)) {
      this.#repeated[pid] = 0;
      return 'good';
    }
    if (same && this.#repeated[pid] === 0) {
      this.#repeated[pid] = 1;
      return 'again';
    }
    this.#repeated[pid] = 0;
    return 'lost';
  }

  /** The next packet of this PID, or of all, may have any counter. */
  forget(pid?: number): void {
    if (pid === undefined) this.#last.fill(-1);
    else this.#last[pid] = -1;
  }
}

/** Cheap evidence that two packets are the same. A PCR, which may differ between them, is never at the end. */
const printOf = (bytes: Uint8Array, packet: number): number =>
  (u32(bytes, packet + PACKET_BYTES - 4) ^
    Math.imul(u32(bytes, packet + PACKET_BYTES - 8), 31) ^
    (isUnitStart(bytes, packet) ? u8(bytes, packet + 3) : 0)) >>>
  0;
