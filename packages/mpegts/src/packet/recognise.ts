import { u8 } from '../bytes.ts';
import { stuffingBytes } from './adaptation.ts';
import { hasAdaptation, isScrambled, looksLikePacket, PACKET_BYTES, SYNC_BYTE } from './packet.ts';

/** Where the bytes begin with a packet, so many sync bytes are looked at, as far as they are there. */
const AT_BEGIN = 3;
/** Elsewhere so many, of which so many must be there. */
const INSIDE = 8;
const INSIDE_AT_LEAST = 4;

/**
 * Where the first packet begins in bytes of unknown kind, or -1 if they do not look like MPEG-TS. At the first byte a
 * plausible begin of one packet is enough (what leaves an encoder begins with a packet); elsewhere, up to `reach`,
 * several packets must follow one another.
 */
export function findFirstPacket(bytes: Uint8Array, reach = bytes.length): number {
  if (bytes.length > 0 && isPlausible(bytes, 0, AT_BEGIN)) return 0;
  const most = Math.min(reach, bytes.length - (INSIDE_AT_LEAST - 1) * PACKET_BYTES);
  for (let at = bytes.indexOf(SYNC_BYTE, 1); at > 0 && at < most; at = bytes.indexOf(SYNC_BYTE, at + 1)) {
    if (isPlausible(bytes, at, INSIDE)) return at;
  }
  return -1;
}

/** Whether there is a sync byte at `from` and at the places of the packets after it, as far as they are there. */
export function isInStep(bytes: Uint8Array, from: number, packets = INSIDE): boolean {
  const end = Math.min(bytes.length, from + packets * PACKET_BYTES);
  for (let at = from; at < end; at += PACKET_BYTES) if (bytes[at] !== SYNC_BYTE) return false;
  return true;
}

function isPlausible(bytes: Uint8Array, at: number, packets: number): boolean {
  if (!isInStep(bytes, at, packets) || !looksLikePacket(bytes, at, bytes.length)) return false;
  if (at + 4 > bytes.length) return true;
  if (isScrambled(bytes, at)) return false;
  if (at + 6 > bytes.length || !hasAdaptation(bytes, at) || u8(bytes, at + 4) === 0) return true;
  // ISO/IEC 13818-1 2.4.3.5: stuffing_byte is 0xff. This tells "GPS: 52.5" from a packet.
  const end = at + 5 + u8(bytes, at + 4);
  const stuffing = stuffingBytes(bytes, at);
  if (stuffing < 0) return end > bytes.length;
  for (let i = Math.max(at + 6, end - stuffing); i < end && i < bytes.length; i++) {
    if (bytes[i] !== 0xff) return false;
  }
  return true;
}
