// ISO/IEC 13818-1 2.4.4.3 (PAT), 2.4.4.8 (PMT): the way back from tables to sections.
import { concat } from '../bytes.ts';
import { NULL_PID, PID_COUNT } from '../packet/packet.ts';
import { crc32 } from './crc32.ts';
import { type Descriptor, descriptorTags, OPUS_EXTENSION, writeDescriptors } from './descriptors.ts';
import { type PatEntry, type Pmt, tableIds } from './tables.ts';

/** 2.4.4.4, 2.4.4.9: section_length is at most 1021, of which 9 are header and CRC. */
const MOST_PAYLOAD = 1021 - 9;

const check = (name: string, value: number, below: number): void => {
  if (!Number.isInteger(value) || value < 0 || value >= below) {
    throw new TypeError(`${name}: ${value} is not a whole number from 0 to ${below - 1}`);
  }
};

function writeSection(tableId: number, extension: number, version: number, payload: Uint8Array): Uint8Array {
  if (payload.length > MOST_PAYLOAD) {
    throw new TypeError(`section 0x${tableId.toString(16)}: ${payload.length} bytes, ${MOST_PAYLOAD} fit`);
  }
  const length = payload.length + 9;
  const section = new Uint8Array(3 + length);
  // section_syntax_indicator 1, '0', reserved 11
  section.set([tableId, 0xb0 | (length >> 8), length & 0xff, extension >> 8, extension & 0xff]);
  // reserved 11, version_number, current_next_indicator 1, section_number 0, last_section_number 0
  section.set([0xc0 | (version << 1) | 1, 0, 0], 5);
  section.set(payload, 8);
  const crc = crc32(section, 0, section.length - 4);
  section.set([crc >>> 24, (crc >> 16) & 0xff, (crc >> 8) & 0xff, crc & 0xff], section.length - 4);
  return section;
}

/** What a PAT says. */
export interface Pat {
  /** transport_stream_id, 16 bits. Default 1. */
  readonly transportStreamId?: number;
  /** 0 to 31; to be moved on with each change. Default 0. */
  readonly version?: number;
  readonly programs: readonly PatEntry[];
}

/** A PAT as a section. Throws `TypeError` for numbers out of range and for more programs than one section holds (253). */
export function writePat({ transportStreamId = 1, version = 0, programs }: Pat): Uint8Array {
  check('transportStreamId', transportStreamId, 0x10000);
  check('version', version, 32);
  const payload = new Uint8Array(programs.length * 4);
  for (const [i, { programNumber, pmtPid }] of programs.entries()) {
    check('programNumber', programNumber, 0x10000);
    check('pmtPid', pmtPid, NULL_PID);
    payload.set([programNumber >> 8, programNumber & 0xff, 0xe0 | (pmtPid >> 8), pmtPid & 0xff], i * 4);
  }
  return writeSection(tableIds.pat, transportStreamId, version, payload);
}

/** A PMT as a section. Throws `TypeError` for numbers out of range and for more than one section holds. */
export function writePmt({ programNumber, version, pcrPid, descriptors, streams }: Pmt): Uint8Array {
  check('programNumber', programNumber, 0x10000);
  check('version', version, 32);
  check('pcrPid', pcrPid, PID_COUNT);
  const info = writeDescriptors(descriptors);
  const parts = [
    Uint8Array.of(0xe0 | (pcrPid >> 8), pcrPid & 0xff, 0xf0 | (info.length >> 8), info.length & 0xff),
    info,
  ];
  for (const { streamType, pid, descriptors } of streams) {
    check('streamType', streamType, 0x100);
    check('pid', pid, NULL_PID);
    const info = writeDescriptors(descriptors);
    parts.push(
      Uint8Array.of(streamType, 0xe0 | (pid >> 8), pid & 0xff, 0xf0 | (info.length >> 8), info.length & 0xff),
      info,
    );
  }
  return writeSection(tableIds.pmt, programNumber, version, concat(...parts));
}

/** Descriptors that streams commonly need. */
export const descriptors = {
  /** Four characters, such as `Opus`. */
  registration: (format: string): Descriptor => ({
    tag: descriptorTags.registration,
    data: Uint8Array.from(format.slice(0, 4).padEnd(4), (c) => c.charCodeAt(0)),
  }),
  /** Four characters that say what a metadata stream carries, such as `KLVA`; service 0. */
  metadata: (format: string): Descriptor => {
    const identifier = Array.from(format.slice(0, 4).padEnd(4), (c) => c.charCodeAt(0));
    // Timed ID3 names its application too, KLV is metadata_application_format 0x0100, general (SMPTE ST 1402).
    const application = format === 'KLVA' ? [0x01, 0x00] : [0xff, 0xff, ...identifier];
    const flags = 0x0f; // decoder_config_flags 0, DSM-CC_flag 0, reserved
    return {
      tag: descriptorTags.metadata,
      data: Uint8Array.of(...application, 0xff, ...identifier, 0, flags),
    };
  },
  /** ISO 639-2, three letters. */
  language: (code: string): Descriptor => ({
    tag: descriptorTags.language,
    data: Uint8Array.of(...Array.from(code.slice(0, 3).padEnd(3), (c) => c.charCodeAt(0)), 0),
  }),
  /** component_tag, 0 to 255. */
  streamIdentifier: (componentTag: number): Descriptor => ({
    tag: descriptorTags.streamIdentifier,
    data: Uint8Array.of(componentTag),
  }),
  /** channel_config_code, for 1 to 8 channels. */
  opusChannels: (channels: number): Descriptor => ({
    tag: descriptorTags.extension,
    data: Uint8Array.of(OPUS_EXTENSION, channels),
  }),
} as const;
