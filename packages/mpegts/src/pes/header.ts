// ISO/IEC 13818-1 2.4.3.6: the PES packet.
//
//   0              3          4                      6                 7                  8
//   00 00 01       stream_id  PES_packet_length(16)  10 … alignment …  PTS_DTS(2) flags   header_data_length
//   9: PTS(5) DTS(5) … stuffing, then the payload
import { u8, u16 } from '../bytes.ts';

/** packet_start_code_prefix, stream_id, PES_packet_length. */
export const PES_PREFIX_BYTES = 6;

/** Table 2-22: stream_id of streams whose PES packets have no header beyond the length. */
const BARE: ReadonlySet<number> = new Set([0xbc, 0xbe, 0xbf, 0xf0, 0xf1, 0xf2, 0xf8, 0xff]);

/** Whether PES packets of this stream_id have neither flags nor time stamps: the payload follows the length. */
export const isBare = (streamId: number): boolean => BARE.has(streamId);

/** The header of a PES packet. */
export interface PesHeader {
  readonly streamId: number;
  /** Wrapped, 33 bits. */
  readonly pts: number | undefined;
  /** Wrapped, 33 bits; undefined where only a PTS is sent, which is then the DTS too. */
  readonly dts: number | undefined;
  /** data_alignment_indicator: the payload begins with a start code or sync word. */
  readonly aligned: boolean;
  /** Where the payload begins. */
  readonly payload: number;
}

/** Whether packet_start_code_prefix is there. */
export const hasStartCode = (bytes: Uint8Array, at: number): boolean =>
  u8(bytes, at) === 0 && u8(bytes, at + 1) === 0 && u8(bytes, at + 2) === 1;

/** 2.4.3.7: 33 bits in three pieces, each followed by a marker bit; undefined if a marker is 0. */
export function readTimestamp(bytes: Uint8Array, at: number): number | undefined {
  const high = u8(bytes, at);
  const middle = u16(bytes, at + 1);
  const low = u16(bytes, at + 3);
  if ((high & middle & low & 1) === 0) return undefined;
  return ((high >> 1) & 0x07) * 2 ** 30 + (middle >> 1) * 2 ** 15 + (low >> 1);
}

/** The header of the PES packet at the begin of `bytes`, or undefined if it is none or is longer than `bytes`. */
export function parsePesHeader(bytes: Uint8Array): PesHeader | undefined {
  if (bytes.length < PES_PREFIX_BYTES || !hasStartCode(bytes, 0)) return undefined;
  const streamId = u8(bytes, 3);
  if (isBare(streamId)) {
    return { streamId, pts: undefined, dts: undefined, aligned: false, payload: PES_PREFIX_BYTES };
  }
  // 2.4.3.7: the first two bits are '10'.
  if (bytes.length < 9 || (u8(bytes, 6) & 0xc0) !== 0x80) return undefined;
  const payload = 9 + u8(bytes, 8);
  if (payload > bytes.length) return undefined;
  const flags = u8(bytes, 7) >> 6;
  const pts = flags & 2 && payload >= 14 ? readTimestamp(bytes, 9) : undefined;
  const dts = flags === 3 && payload >= 19 ? readTimestamp(bytes, 14) : undefined;
  return { streamId, pts, dts, aligned: (u8(bytes, 6) & 0x04) !== 0, payload };
}
