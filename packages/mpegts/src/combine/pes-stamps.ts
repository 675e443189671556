// ISO/IEC 13818-1 2.4.3.6: where the time stamps of a PES packet are in its transport packets, and new ones in their
// place. The header may go over several packets, so each of its bytes has a place of its own.
import { u8 } from '../bytes.ts';
import { PACKET_BYTES, payloadStart } from '../packet/packet.ts';
import { hasStartCode, isBare, readTimestamp } from '../pes/header.ts';
import { type Ticks90k, wrap } from '../time.ts';

/** Up to the end of the DTS. */
const HEADER_BYTES = 19;
const PTS_AT = 9;
const DTS_AT = 14;

/** What the header of a PES packet says of time, and where. */
export interface PesStamps {
  /** PES_packet_length and what is before it, together; 0 where the header does not tell. */
  readonly bytes: number;
  /** Where the payload begins, in bytes of the PES packet. */
  readonly payload: number;
  /** 33 bits; undefined where there is none, or its marker bits are wrong. */
  readonly pts: number | undefined;
  readonly dts: number | undefined;
  /** PTS_DTS_flags: 0, 2 or 3. */
  readonly flags: number;
  /** For each byte of the header, its place after the begin of the first packet; undefined where all are in a row. */
  readonly places: Int32Array | undefined;
  /** The place of the first byte. */
  readonly first: number;
}

// Filled by each call of readStamps.
const header = new Uint8Array(HEADER_BYTES);
const places = new Int32Array(HEADER_BYTES);

/** The first bytes of a PES packet whose `packets` packets are in a row from `start`; how many there are. */
function gather(bytes: Uint8Array, start: number, packets: number): number {
  let length = 0;
  for (let i = 0; i < packets && length < HEADER_BYTES; i++) {
    const packet = start + i * PACKET_BYTES;
    for (let at = payloadStart(bytes, packet); at < packet + PACKET_BYTES && length < HEADER_BYTES; at++) {
      header[length] = u8(bytes, at);
      places[length++] = at - start;
    }
  }
  return length;
}

/** Reads the header that begins in the packet at `start`. `short`: it goes on in a packet that is not there yet. */
export function readStamps(bytes: Uint8Array, start: number, packets: number): PesStamps | 'short' | 'bad' {
  const length = gather(bytes, start, packets);
  if (length < 6) return 'short';
  if (!hasStartCode(header, 0)) return 'bad';
  const told = (u8(header, 4) << 8) | u8(header, 5);
  const total = told > 0 ? 6 + told : 0;
  const first = places[0] as number;
  const split = (places[length - 1] as number) !== first + length - 1 ? places.slice(0, length) : undefined;
  const rest = { bytes: total, places: split, first };
  if (isBare(u8(header, 3))) return { ...rest, payload: 6, pts: undefined, dts: undefined, flags: 0 };
  if (length < 9) return 'short';
  if ((u8(header, 6) & 0xc0) !== 0x80) return 'bad';
  const payload = 9 + u8(header, 8);
  // 2.4.3.7: '01' is forbidden; flags for which the header has no room say nothing.
  const said = u8(header, 7) >> 6;
  const flags = said === 3 && payload >= 19 ? 3 : said >= 2 && payload >= 14 ? 2 : 0;
  if (length < (flags === 3 ? 19 : flags === 2 ? 14 : 9)) return 'short';
  const pts = flags >= 2 ? readTimestamp(header, PTS_AT) : undefined;
  const dts = flags === 3 ? readTimestamp(header, DTS_AT) : undefined;
  return { ...rest, payload, pts, dts, flags };
}

/** Puts new times in the place of the old ones, in the packets that begin at `start`. What has none gets none. */
export function writeStamps(
  bytes: Uint8Array,
  start: number,
  stamps: PesStamps,
  pts: Ticks90k,
  dts: Ticks90k,
) {
  if (stamps.flags === 0) return;
  writeStamp(bytes, start, stamps, PTS_AT, stamps.flags, wrap(pts));
  if (stamps.flags === 3) writeStamp(bytes, start, stamps, DTS_AT, 1, wrap(dts));
}

/** 2.4.3.7: four bits that say which, then 33 bits in three pieces, each followed by a marker bit. */
function writeStamp(
  bytes: Uint8Array,
  start: number,
  { places, first }: PesStamps,
  at: number,
  prefix: number,
  value: number,
): void {
  const place = (i: number): number => start + (places ? (places[at + i] as number) : first + at + i);
  const middle = Math.floor(value / 2 ** 15) & 0x7fff;
  const low = value & 0x7fff;
  bytes[place(0)] = (prefix << 4) | (Math.floor(value / 2 ** 30) << 1) | 1;
  bytes[place(1)] = middle >> 7;
  bytes[place(2)] = ((middle << 1) & 0xff) | 1;
  bytes[place(3)] = low >> 7;
  bytes[place(4)] = ((low << 1) & 0xff) | 1;
}
