import type { StreamClass } from './codec/codec.ts';
import { isRandomAccess, isUnitStart, PACKET_BYTES, payloadStart, SYNC_BYTE } from './packet/packet.ts';
import { findFirstPacket } from './packet/recognise.ts';
import { isVideoId, streamIdAt } from './pes/stream-id.ts';

/**
 * Where in a message the packet lies with which its random access point begins, from the packet layer alone: a unit
 * start of that kind, for video with random_access_indicator. 0 where none is found.
 *
 * A publisher that cuts its messages as it likes (COMPAT 1.4) puts the end of the old group before it.
 */
export function findRandomAccess(bytes: Uint8Array, kind: StreamClass): number {
  const first = findFirstPacket(bytes, PACKET_BYTES);
  for (let at = first; at >= 0 && at + PACKET_BYTES <= bytes.length; at += PACKET_BYTES) {
    if (bytes[at] !== SYNC_BYTE) return 0;
    if (!isUnitStart(bytes, at) || (kind === 'video' && !isRandomAccess(bytes, at))) continue;
    const id = streamIdAt(bytes, payloadStart(bytes, at), at + PACKET_BYTES);
    if (id !== undefined && isVideoId(id) === (kind === 'video')) return at;
  }
  return 0;
}
