import { concat } from '../bytes.ts';
import { NULL_PID, PAT_PID } from '../packet/packet.ts';
import { PacketWriter } from '../packet/write.ts';
import { writeDescriptors } from './descriptors.ts';
import type { PmtStream } from './tables.ts';
import { writePat, writePmt } from './write.ts';

const PROGRAM = 1;
/** Where everybody's PMT is. */
export const PMT_PID = 0x1000;
/** ISO/IEC 13818-1 2.4.4.9: a PMT section holds so many bytes of streams. */
const MOST_BYTES = 1021 - 13;

/** PAT and PMT of a transport stream with one program, as they go out. */
export class OutputTables {
  readonly #writer = new PacketWriter();
  readonly #pat = writePat({ programs: [{ programNumber: PROGRAM, pmtPid: PMT_PID }] });
  #pmt: Uint8Array | undefined;
  #version: number | undefined;
  #said = '';
  #pcrPid = NULL_PID;

  /** version_number of the PMT; −1 before the first. */
  get version(): number {
    return this.#version ?? -1;
  }

  /** Where the clock is; 0x1fff: nowhere. */
  get pcrPid(): number {
    return this.#pcrPid;
  }

  /** Whether there is a PMT. */
  get known(): boolean {
    return this.#pmt !== undefined;
  }

  /** How many of the streams the PMT has room for. */
  static fit(streams: readonly PmtStream[]): number {
    let bytes = 0;
    for (const [i, { descriptors }] of streams.entries()) {
      bytes += 5 + writeDescriptors(descriptors).length;
      if (bytes > MOST_BYTES) return i;
    }
    return streams.length;
  }

  /**
   * What the PMT says from now on; whether that is something else than before, which gets it another version. `first` is
   * the version of the very first.
   */
  set(streams: readonly PmtStream[], pcrPid: number, first = 0): boolean {
    const pmt = { programNumber: PROGRAM, pcrPid, descriptors: [], streams };
    const said = String(writePmt({ ...pmt, version: 0 }));
    if (said === this.#said) return false;
    this.#said = said;
    this.#version = (this.#version === undefined ? first : this.#version + 1) & 31;
    this.#pcrPid = pcrPid;
    this.#pmt = writePmt({ ...pmt, version: this.#version });
    return true;
  }

  /** Both as packets, with the next counters. */
  packets(): Uint8Array {
    const pat = this.#writer.section(PAT_PID, this.#pat);
    return this.#pmt ? concat(pat, this.#writer.section(PMT_PID, this.#pmt)) : pat;
  }
}
