// ISO/IEC 13818-1 2.4.4: sections. In a packet with payload_unit_start_indicator the first payload byte is
// pointer_field: so many bytes of the section before follow, then the next section begins.
//
//   0         1                                   3                 5                      6       7
//   table_id  syntax 0 reserved(2) length(12)     table_id_ext(16)  reserved version(5) c  number  last  … CRC_32
import { u8, u16, u32 } from '../bytes.ts';
import { crc32 } from './crc32.ts';

/** 2.4.4.4, 2.4.4.9: section_length of PAT and PMT is at most 1021. */
const SECTION_BYTES = 1024;
/** The longest section of any kind (private_section, 2.4.4.11); longer ones than PAT and PMT are passed over. */
const PRIVATE_SECTION_BYTES = 4096;
/** 2.4.4.1: the rest of a packet after the last section is filled with 0xff, which is no table_id. */
const STUFFING = 0xff;

/** A PSI section whose CRC is right. `bytes` is only valid during the call; the payload is between header and CRC. */
export interface Section {
  readonly tableId: number;
  /** transport_stream_id of a PAT, program_number of a PMT. */
  readonly extension: number;
  readonly version: number;
  /** false: announced, not valid yet. */
  readonly current: boolean;
  readonly number: number;
  readonly last: number;
  readonly crc: number;
  /** The whole section, header and CRC included. */
  readonly bytes: Uint8Array;
}

/** Why a section was not taken. */
export type SectionFault = 'crc' | 'length' | 'pointer' | 'syntax';

export interface SectionAssemblerOptions {
  onSection(section: Section): void;
  onFault?(fault: SectionFault): void;
}

/** Puts the sections of one PID together from packet payloads. Holds at most one section. */
export class SectionAssembler {
  readonly #options: SectionAssemblerOptions;
  readonly #buffer = new Uint8Array(PRIVATE_SECTION_BYTES);
  #length = 0;
  /** A section is being collected; else the next unit start is awaited. */
  #collecting = false;

  constructor(options: SectionAssemblerOptions) {
    this.#options = options;
  }

  /** Whether nothing of a section is waiting for more. */
  get idle(): boolean {
    return !this.#collecting || this.#length === 0;
  }

  /** Bytes were lost: what was collected is worthless. */
  reset(): void {
    this.#collecting = false;
    this.#length = 0;
  }

  /** The payload of one packet. */
  push(bytes: Uint8Array, start: number, end: number, unitStart: boolean): void {
    let at = start;
    if (unitStart) {
      if (at >= end) return;
      const next = at + 1 + u8(bytes, at);
      if (next > end) {
        this.reset();
        this.#options.onFault?.('pointer');
        return;
      }
      if (this.#collecting && this.#length > 0) {
        this.#append(bytes, at + 1, next);
        // What is still open now was shorter than it said.
        if (this.#collecting && this.#length > 0) this.#options.onFault?.('length');
      }
      at = next;
      this.#collecting = true;
      this.#length = 0;
    }
    if (this.#collecting) this.#append(bytes, at, end);
  }

  #append(bytes: Uint8Array, start: number, end: number): void {
    let at = start;
    while (at < end && this.#collecting) {
      if (this.#length === 0 && u8(bytes, at) === STUFFING) {
        this.#collecting = false;
        return;
      }
      while (this.#length < 3 && at < end) this.#buffer[this.#length++] = u8(bytes, at++);
      if (this.#length < 3) return;
      const total = 3 + (u16(this.#buffer, 1) & 0x0fff);
      if (total > PRIVATE_SECTION_BYTES) {
        this.reset();
        this.#options.onFault?.('length');
        return;
      }
      const take = Math.min(end - at, total - this.#length);
      this.#buffer.set(bytes.subarray(at, at + take), this.#length);
      this.#length += take;
      at += take;
      if (this.#length < total) return;
      this.#length = 0;
      this.#complete(total);
    }
  }

  #complete(length: number): void {
    const bytes = this.#buffer.subarray(0, length);
    // 2.4.4.10: without section_syntax_indicator there is neither version nor CRC; PAT and PMT always have it.
    if ((u8(bytes, 1) & 0x80) === 0) return;
    const tooLong = length > SECTION_BYTES && u8(bytes, 0) <= 0x02;
    const fault = length < 12 || tooLong ? 'length' : crc32(bytes) !== 0 ? 'crc' : undefined;
    if (fault) {
      this.#options.onFault?.(fault);
      return;
    }
    this.#options.onSection({
      tableId: u8(bytes, 0),
      extension: u16(bytes, 3),
      version: (u8(bytes, 5) >> 1) & 0x1f,
      current: (u8(bytes, 5) & 1) === 1,
      number: u8(bytes, 6),
      last: u8(bytes, 7),
      crc: u32(bytes, length - 4),
      bytes,
    });
  }
}
