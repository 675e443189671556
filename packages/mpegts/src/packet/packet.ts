// ISO/IEC 13818-1 2.4.3.2: the transport stream packet. 188 bytes:
//
//   0         1                             2        3                          4 …
//   sync_byte TEI PUSI prio PID(12…8)       PID(7…0) scrambling AFC counter     adaptation field, payload
//   0x47      1   1    1    5 bits          8 bits   2          2   4
import { u8 } from '../bytes.ts';

/** 2.4.3.2: the length of a packet. */
export const PACKET_BYTES = 188;
/** 2.4.3.3: sync_byte. */
export const SYNC_BYTE = 0x47;
/** Table 2-3: the PID of the program association table. */
export const PAT_PID = 0x0000;
/** Table 2-3: the PID of null packets. */
export const NULL_PID = 0x1fff;
/** A PID has 13 bits. */
export const PID_COUNT = 0x2000;

// These take the array and the packet's offset, so that looking at a packet allocates nothing.

/** 13 bits that say which stream of the multiplex a packet belongs to. */
export const pidOf = (bytes: Uint8Array, packet: number): number =>
  ((u8(bytes, packet + 1) & 0x1f) << 8) | u8(bytes, packet + 2);

/** transport_error_indicator: at least one bit of the packet is wrong. */
export const hasTransportError = (bytes: Uint8Array, packet: number): boolean =>
  (u8(bytes, packet + 1) & 0x80) !== 0;

/** payload_unit_start_indicator: a PES packet, or at least one section, begins in the packet. */
export const isUnitStart = (bytes: Uint8Array, packet: number): boolean =>
  (u8(bytes, packet + 1) & 0x40) !== 0;

/** transport_scrambling_control is not 00: the payload cannot be read. */
export const isScrambled = (bytes: Uint8Array, packet: number): boolean =>
  (u8(bytes, packet + 3) & 0xc0) !== 0;

/** adaptation_field_control, second bit: an adaptation field is there. */
export const hasAdaptation = (bytes: Uint8Array, packet: number): boolean =>
  (u8(bytes, packet + 3) & 0x20) !== 0;

/** adaptation_field_control, first bit: a payload is there. */
export const hasPayload = (bytes: Uint8Array, packet: number): boolean =>
  (u8(bytes, packet + 3) & 0x10) !== 0;

/** continuity_counter, 4 bits. */
export const counterOf = (bytes: Uint8Array, packet: number): number => u8(bytes, packet + 3) & 0x0f;

/** random_access_indicator of the adaptation field (2.4.3.5). */
export const isRandomAccess = (bytes: Uint8Array, packet: number): boolean =>
  hasAdaptation(bytes, packet) && u8(bytes, packet + 4) > 0 && (u8(bytes, packet + 5) & 0x40) !== 0;

/** discontinuity_indicator of the adaptation field (2.4.3.5). */
export const isDiscontinuity = (bytes: Uint8Array, packet: number): boolean =>
  hasAdaptation(bytes, packet) && u8(bytes, packet + 4) > 0 && (u8(bytes, packet + 5) & 0x80) !== 0;

/** Where the payload begins, as an offset into `bytes`; the packet's end if it has none or its lengths are impossible. */
export function payloadStart(bytes: Uint8Array, packet: number): number {
  const end = packet + PACKET_BYTES;
  if (!hasPayload(bytes, packet)) return end;
  if (!hasAdaptation(bytes, packet)) return packet + 4;
  // 2.4.3.5: with a payload, adaptation_field_length is 0 to 182.
  return Math.min(end, packet + 5 + u8(bytes, packet + 4));
}

/**
 * Whether the first bytes of a packet can be those of a transport stream: sync byte, a legal adaptation_field_control
 * and a legal adaptation field length. Looks at as much as there is; `end` is where the bytes end.
 */
export function looksLikePacket(bytes: Uint8Array, packet: number, end: number): boolean {
  if (packet >= end) return true;
  if (u8(bytes, packet) !== SYNC_BYTE) return false;
  if (packet + 3 >= end) return true;
  const control = u8(bytes, packet + 3) & 0x30;
  if (control === 0x00) return false; // 2.4.3.3: reserved
  if (packet + 4 >= end || control === 0x10) return true;
  const length = u8(bytes, packet + 4);
  return control === 0x20 ? length === 183 : length <= 182; // 2.4.3.5
}
