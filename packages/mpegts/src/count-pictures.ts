import { isUnitStart, PACKET_BYTES, payloadStart, SYNC_BYTE } from './packet/packet.ts';
import { findFirstPacket } from './packet/recognise.ts';
import { isVideoId, streamIdAt } from './pes/stream-id.ts';

/**
 * How many pictures begin in a message, from the packet layer alone: the PES packets of its video streams. Encoders put
 * one picture into each, but for those that put several fields or small pictures together.
 */
export function countPictures(bytes: Uint8Array): number {
  let pictures = 0;
  const first = findFirstPacket(bytes, PACKET_BYTES);
  for (let at = first; at >= 0 && at + PACKET_BYTES <= bytes.length; at += PACKET_BYTES) {
    if (bytes[at] !== SYNC_BYTE) break;
    if (!isUnitStart(bytes, at)) continue;
    const id = streamIdAt(bytes, payloadStart(bytes, at), at + PACKET_BYTES);
    if (id !== undefined && isVideoId(id)) pictures += 1;
  }
  return pictures;
}
