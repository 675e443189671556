// ISO/IEC 13818-1 2.4.4.3 (PAT) and 2.4.4.8 (PMT).
import { u8, u16 } from '../bytes.ts';
import { type Descriptor, parseDescriptors } from './descriptors.ts';
import type { Section } from './section.ts';

/** Table 2-31: table_id of the program association and of the program map section. */
export const tableIds = { pat: 0x00, pmt: 0x02 } as const;

/** One line of a PAT. */
export interface PatEntry {
  readonly programNumber: number;
  readonly pmtPid: number;
}

/** One elementary stream as a PMT lists it. */
export interface PmtStream {
  /** Table 2-34. */
  readonly streamType: number;
  readonly pid: number;
  readonly descriptors: readonly Descriptor[];
}

/** A program map table. */
export interface Pmt {
  readonly programNumber: number;
  /** 5 bits, moves with each change. */
  readonly version: number;
  /** Where the clock of the program is; 0x1fff says nowhere. */
  readonly pcrPid: number;
  readonly descriptors: readonly Descriptor[];
  readonly streams: readonly PmtStream[];
}

/** The programs of a PAT section. program_number 0 (the network PID) is not one. */
export function parsePat(section: Section): PatEntry[] {
  const { bytes } = section;
  const entries: PatEntry[] = [];
  for (let at = 8; at + 4 <= bytes.length - 4; at += 4) {
    const programNumber = u16(bytes, at);
    if (programNumber !== 0) entries.push({ programNumber, pmtPid: u16(bytes, at + 2) & 0x1fff });
  }
  return entries;
}

/** A PMT section, or undefined if its lengths contradict one another. */
export function parsePmt(section: Section): Pmt | undefined {
  const { bytes } = section;
  const end = bytes.length - 4;
  if (end < 12) return undefined;
  const infoEnd = 12 + (u16(bytes, 10) & 0x0fff);
  if (infoEnd > end) return undefined;
  const streams: PmtStream[] = [];
  let at = infoEnd;
  while (at + 5 <= end) {
    const next = at + 5 + (u16(bytes, at + 3) & 0x0fff);
    if (next > end) return undefined;
    streams.push({
      streamType: u8(bytes, at),
      pid: u16(bytes, at + 1) & 0x1fff,
      descriptors: parseDescriptors(bytes, at + 5, next),
    });
    at = next;
  }
  return {
    programNumber: section.extension,
    version: section.version,
    pcrPid: u16(bytes, 8) & 0x1fff,
    descriptors: parseDescriptors(bytes, 12, infoEnd),
    streams,
  };
}
