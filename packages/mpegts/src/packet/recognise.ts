import { u8 } from '../bytes.ts';
import { stuffingBytes } from './adaptation.ts';
import { hasAdaptation, isScrambled, looksLikePacket, PACKET_BYTES, SYNC_BYTE } from './packet.ts';

/** So many packets, in step to the end of the bytes, are believed where they do not begin at the first byte. */
const PACKETS_INSIDE = 4;

/**
 * Where the first packet begins in bytes of unknown kind, or -1 if they do not look like MPEG-TS. At the first byte a
 * plausible begin of one packet is enough (what leaves an encoder begins with a packet); elsewhere, up to `reach`,
 * several packets must follow one another up to the end of the bytes.
 */
export function findFirstPacket(bytes: Uint8Array, reach = bytes.length): number {
  if (bytes.length > 0 && isPlausible(bytes, 0)) return 0;
  const most = Math.min(reach, bytes.length - (PACKETS_INSIDE - 1) * PACKET_BYTES);
  for (let at = bytes.indexOf(SYNC_BYTE, 1); at > 0 && at < most; at = bytes.indexOf(SYNC_BYTE, at + 1)) {
    if (isPlausible(bytes, at)) return at;
  }
  return -1;
}

/** Whether there is a sync byte at `from` and at every packet length after it. */
export function isInStep(bytes: Uint8Array, from: number): boolean {
  for (let at = from; at < bytes.length; at += PACKET_BYTES) if (bytes[at] !== SYNC_BYTE) return false;
  return true;
}

function isPlausible(bytes: Uint8Array, at: number): boolean {
  if (!isInStep(bytes, at) || !looksLikePacket(bytes, at, bytes.length)) return false;
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
