// ISO/IEC 13818-1 2.4.3.2 to 2.4.3.5: what has to change in a packet that goes into another multiplex, in place.
import { u8 } from '../bytes.ts';
import { hasAdaptation, PACKET_BYTES, SYNC_BYTE } from '../packet/packet.ts';
import { TICKS_WRAP } from '../time.ts';

/** Gives a packet its PID and counter; its clock reference and discontinuity, which are not ours, go. */
export function rewritePacket(bytes: Uint8Array, at: number, pid: number, counter: number): void {
  bytes[at + 1] = (u8(bytes, at + 1) & 0x60) | (pid >> 8);
  bytes[at + 2] = pid & 0xff;
  bytes[at + 3] = (u8(bytes, at + 3) & 0x30) | counter;
  if (hasAdaptation(bytes, at) && u8(bytes, at + 4) > 0) rewriteAdaptation(bytes, at);
}

/**
 * 2.4.3.4. The fields of a packet with a PCR become private data of the same length: stuffing in their place would look
 * like the end of the unit. For the same reason a flags byte that says nothing any more says "priority".
 */
function rewriteAdaptation(bytes: Uint8Array, at: number): void {
  const flags = u8(bytes, at + 5);
  let kept = flags & 0x7f;
  if (flags & 0x10) {
    const end = at + 5 + u8(bytes, at + 4);
    let next = at + 12;
    if (flags & 0x08) next += 6;
    if (flags & 0x04) next += 1;
    if (flags & 0x02) next += 1 + u8(bytes, next);
    if (flags & 0x01) next += 1 + u8(bytes, next);
    const size = Math.min(next, end) - (at + 6);
    kept = flags & 0x60;
    if (size >= 1) {
      kept |= 0x02;
      writePrivate(bytes, at + 6, size);
    }
  }
  bytes[at + 5] = kept === 0 && flags !== 0 ? 0x20 : kept;
}

/** transport_private_data of `size` bytes with its length; ETSI TS 101 154 annex D: tag (one that is free), length, data. */
function writePrivate(bytes: Uint8Array, at: number, size: number): void {
  bytes.fill(0, at, at + size);
  bytes[at] = size - 1;
  if (size < 3) return;
  bytes[at + 1] = 0xfe;
  bytes[at + 2] = size - 3;
}

/**
 * Sets random_access_indicator in the packet at `at`. Where it has no room for flags, its last bytes move into the packet
 * after it, which `bytes` must have place for; true is returned then, and that packet still lacks its counter.
 */
export function setRandomAccess(bytes: Uint8Array, at: number): boolean {
  if (hasAdaptation(bytes, at) && u8(bytes, at + 4) > 0) {
    bytes[at + 5] = u8(bytes, at + 5) | 0x40;
    return false;
  }
  const next = at + PACKET_BYTES;
  const moved = hasAdaptation(bytes, at) ? 1 : 2;
  bytes.copyWithin(next + PACKET_BYTES - moved, next - moved, next);
  bytes.copyWithin(at + 6, at + 6 - moved, next - moved);
  bytes[at + 3] = u8(bytes, at + 3) | 0x30;
  bytes[at + 4] = 1;
  bytes[at + 5] = 0x40;
  const length = PACKET_BYTES - 5 - moved;
  bytes[next] = SYNC_BYTE;
  bytes[next + 1] = u8(bytes, at + 1) & 0x3f;
  bytes[next + 2] = u8(bytes, at + 2);
  bytes[next + 3] = 0x30;
  bytes[next + 4] = length;
  bytes[next + 5] = 0x02;
  writePrivate(bytes, next + 6, length - 1);
  return true;
}

/** A packet without payload that carries the clock: 27 MHz, unwrapped. Its counter is that of the packet before. */
export function clockPacket(pid: number, counter: number, clock: number): Uint8Array {
  const packet = new Uint8Array(PACKET_BYTES).fill(0xff);
  const base = Math.floor(clock / 300) % TICKS_WRAP;
  const extension = clock % 300;
  const high = Math.floor(base / 2);
  packet.set([
    SYNC_BYTE,
    pid >> 8,
    pid & 0xff,
    0x20 | counter,
    PACKET_BYTES - 5,
    0x10,
    Math.floor(high / 2 ** 24),
    (high >> 16) & 0xff,
    (high >> 8) & 0xff,
    high & 0xff,
    ((base % 2) << 7) | 0x7e | (extension >> 8),
    extension & 0xff,
  ]);
  return packet;
}
