// ISO/IEC 13818-1 2.4.3.4: the adaptation field.
//
//   4       5                                                   6 …
//   length  discontinuity random_access es_priority PCR_flag    PCR (6) OPCR (6) splice_countdown (1)
//           OPCR_flag splicing private_data extension           private data (1+n) extension (1+n) stuffing
import { u8 } from '../bytes.ts';
import { type Ticks27M, ticks27M } from '../time.ts';
import { hasAdaptation, hasPayload, PACKET_BYTES } from './packet.ts';

/** What an adaptation field can say, besides stuffing. */
export interface AdaptationField {
  /** The continuity counter, and on the PCR PID the clock, may jump here. */
  readonly discontinuity: boolean;
  /** The next payload unit of this PID begins a random access point. */
  readonly randomAccess: boolean;
  /** Wrapped program clock reference: 33 bits × 300 + 9 bits. */
  readonly pcr: Ticks27M | undefined;
  /** Original program clock reference. */
  readonly opcr: Ticks27M | undefined;
  readonly spliceCountdown: number | undefined;
  /** How many bytes of the field say nothing; they fill the packet up. The length byte of an empty field counts. */
  readonly stuffingBytes: number;
}

/** 2.4.3.5: program_clock_reference_base × 300 + extension. */
export const readPcr = (bytes: Uint8Array, at: number): Ticks27M => {
  const base =
    u8(bytes, at) * 2 ** 25 +
    (u8(bytes, at + 1) << 17) +
    (u8(bytes, at + 2) << 9) +
    (u8(bytes, at + 3) << 1) +
    (u8(bytes, at + 4) >> 7);
  return ticks27M(base * 300 + (((u8(bytes, at + 4) & 1) << 8) | u8(bytes, at + 5)));
};

/** Whether the packet carries a PCR, without parsing the rest. */
export const hasPcr = (bytes: Uint8Array, packet: number): boolean =>
  hasAdaptation(bytes, packet) && u8(bytes, packet + 4) >= 7 && (u8(bytes, packet + 5) & 0x10) !== 0;

/** Whether the lengths of the adaptation field are possible (2.4.3.5: 183 without payload, 0 to 182 with one). */
export const isAdaptationSound = (bytes: Uint8Array, packet: number): boolean => {
  if (!hasAdaptation(bytes, packet)) return true;
  const length = u8(bytes, packet + 4);
  return hasPayload(bytes, packet) ? length <= 182 : length === 183;
};

/**
 * How many bytes of a packet's adaptation field are stuffing, or -1 if what its flags announce does not fit into it.
 * 2.4.3.5: stuffing is needed where PES data do not fill the packet, so it marks the last packet of a PES packet.
 */
export function stuffingBytes(bytes: Uint8Array, packet: number): number {
  if (!hasAdaptation(bytes, packet)) return 0;
  const length = u8(bytes, packet + 4);
  if (length === 0) return 1; // the length byte alone takes the place of one payload byte
  const flags = u8(bytes, packet + 5);
  if ((flags & 0x1f) === 0) {
    // Only indicators: the flags byte itself is stuffing when it says nothing.
    return (flags & 0xe0) === 0 ? length + 1 : length - 1;
  }
  const end = packet + 5 + length;
  let at = packet + 6;
  if (flags & 0x10) at += 6;
  if (flags & 0x08) at += 6;
  if (flags & 0x04) at += 1;
  if (flags & 0x02) at += at < end ? 1 + u8(bytes, at) : 1;
  if (flags & 0x01) at += at < end ? 1 + u8(bytes, at) : 1;
  return at > end ? -1 : end - at;
}

/** The adaptation field of the packet at `packet`, or undefined if there is none or it is malformed. */
export function parseAdaptation(bytes: Uint8Array, packet = 0): AdaptationField | undefined {
  if (bytes.length < packet + PACKET_BYTES) return undefined;
  if (!hasAdaptation(bytes, packet) || !isAdaptationSound(bytes, packet)) return undefined;
  const stuffing = stuffingBytes(bytes, packet);
  if (stuffing < 0) return undefined;
  const flags = u8(bytes, packet + 4) > 0 ? u8(bytes, packet + 5) : 0;
  let at = packet + 6;
  let pcr: Ticks27M | undefined;
  let opcr: Ticks27M | undefined;
  if (flags & 0x10) {
    pcr = readPcr(bytes, at);
    at += 6;
  }
  if (flags & 0x08) {
    opcr = readPcr(bytes, at);
    at += 6;
  }
  return {
    discontinuity: (flags & 0x80) !== 0,
    randomAccess: (flags & 0x40) !== 0,
    pcr,
    opcr,
    spliceCountdown: flags & 0x04 ? (u8(bytes, at) << 24) >> 24 : undefined,
    stuffingBytes: stuffing,
  };
}
