// ISO/IEC 13818-1 2.4.3.2 and 2.4.3.4: header and adaptation field of a packet; 2.4.3.6: begin of a PES packet.
const PACKET_BYTES = 188;
const SYNC_BYTE = 0x47;

/**
 * Where in a message the packet lies with which its random access point begins: payload_unit_start_indicator, for
 * video random_access_indicator too, and the start code of a PES packet of that kind. 0 where none is found.
 *
 * A publisher that cuts its messages as it likes (COMPAT 1.4) puts the end of the old group before it.
 */
export function findRandomAccess(bytes: Uint8Array, kind: 'video' | 'audio' | 'data'): number {
  for (let at = firstPacket(bytes); at + PACKET_BYTES <= bytes.length; at += PACKET_BYTES) {
    if (bytes[at] !== SYNC_BYTE) return 0;
    if (isRandomAccess(bytes, at, kind)) return at;
  }
  return 0;
}

function isRandomAccess(bytes: Uint8Array, at: number, kind: 'video' | 'audio' | 'data'): boolean {
  const control = bytes[at + 3] as number;
  const unitStart = ((bytes[at + 1] as number) & 0x40) !== 0;
  const hasField = (control & 0x20) !== 0;
  if (!unitStart || (control & 0x10) === 0) return false;
  const field = hasField ? (bytes[at + 4] as number) : 0;
  const flagged = field > 0 && ((bytes[at + 5] as number) & 0x40) !== 0;
  if (kind === 'video' && !flagged) return false;
  const pes = at + 4 + (hasField ? 1 + field : 0);
  if (pes + 4 > at + PACKET_BYTES) return false;
  // packet_start_code_prefix, then stream_id: 0xE0 to 0xEF is video (table 2-22).
  if (bytes[pes] !== 0 || bytes[pes + 1] !== 0 || bytes[pes + 2] !== 1) return false;
  const isVideo = ((bytes[pes + 3] as number) & 0xf0) === 0xe0;
  return kind === 'video' ? isVideo : !isVideo;
}

/** The first sync byte that is followed by others, a packet apart, as far as the message goes. */
function firstPacket(bytes: Uint8Array): number {
  for (let first = 0; first < Math.min(PACKET_BYTES, bytes.length); first++) {
    let at = first;
    while (at < bytes.length && bytes[at] === SYNC_BYTE) at += PACKET_BYTES;
    if (at >= bytes.length) return first;
  }
  return bytes.length;
}
