// ISO/IEC 13818-1 2.4.3.6: the way back to PES packets.
import { concat } from '../bytes.ts';
import { type Ticks90k, wrap } from '../time.ts';

/** What the header of a PES packet says. */
export interface PesOptions {
  /** Table 2-22: 0xe0 video, 0xc0 audio, 0xbd private_stream_1 (Opus). */
  readonly streamId: number;
  readonly pts?: Ticks90k;
  /** Only where it is not the PTS. */
  readonly dts?: Ticks90k;
  /** Says the length even of video, so that the end is seen at once. Default true; what is too long has none anyway. */
  readonly bounded?: boolean;
}

const timestamp = (prefix: number, ticks: Ticks90k): number[] => {
  const value = wrap(ticks);
  const high = Math.floor(value / 2 ** 30);
  const middle = Math.floor(value / 2 ** 15) & 0x7fff;
  const low = value & 0x7fff;
  return [
    (prefix << 4) | (high << 1) | 1,
    middle >> 7,
    ((middle << 1) & 0xff) | 1,
    low >> 7,
    ((low << 1) & 0xff) | 1,
  ];
};

/** A PES packet with a header and `payload`. */
export function writePes(
  { streamId, pts, dts, bounded = true }: PesOptions,
  payload: Uint8Array,
): Uint8Array {
  const times: number[] = [];
  if (pts !== undefined && dts !== undefined && dts !== pts) {
    times.push(...timestamp(3, pts), ...timestamp(1, dts));
  } else if (pts !== undefined) times.push(...timestamp(2, pts));
  const flags = times.length === 10 ? 0xc0 : times.length === 5 ? 0x80 : 0;
  const length = 3 + times.length + payload.length;
  // 2.4.3.7: 0 is allowed for video alone, and is all that can be said of more than 65,535 bytes.
  const told = bounded && length <= 0xffff ? length : 0;
  const header = [0, 0, 1, streamId, told >> 8, told & 0xff, 0x84, flags, times.length, ...times];
  return concat(Uint8Array.from(header), payload);
}
