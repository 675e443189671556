import { PacketWriter } from '../packet/write.ts';
import { writePes } from '../pes/write.ts';
import { descriptors } from '../psi/write.ts';
import { type Ticks90k, ticks90k } from '../time.ts';
import { DATA_PLACE } from './feed-program.ts';
import { FeedTrack, type TimedUnit } from './feed-track.ts';
import { type PesStamps, readStamps } from './pes-stamps.ts';

/** ISO/IEC 13818-1 table 2-34: PES packets with private data. */
const PRIVATE_PES = 0x06;
/** Table 2-22: private_stream_1. */
const STREAM_ID = 0xbd;
/** The registration_descriptor's format_identifier. */
export const TIMED_DATA_FORMAT = 'PRCH';
/** No input has it: ISO/IEC 13818-1 table 2-3 leaves PIDs below 0x1fff free, and a feed of texts has no others. */
const PID = 0x1ff0;

/** Messages that are no MPEG-TS as units of a private stream: each is the payload of one PES packet, as it came. */
export class TimedData {
  /** PES_packet_length has 16 bits, of which 8 bytes are flags and PTS; a multiple of 16 is easier to remember. */
  static readonly mostBytes = 65_519;
  /** Undefined before the first message. */
  track: FeedTrack | undefined;
  readonly #writer = new PacketWriter();

  /** A message as a unit that is due at `now`, with all its packets; undefined if it is too long. */
  unit(bytes: Uint8Array, now: Ticks90k): { unit: TimedUnit; packets: Uint8Array } | undefined {
    if (bytes.length > TimedData.mostBytes) return undefined;
    this.track ??= new FeedTrack(DATA_PLACE, {
      pid: PID,
      streamType: PRIVATE_PES,
      codec: { unknown: 'perch_data' },
      class: 'data',
      descriptors: [descriptors.registration(TIMED_DATA_FORMAT)],
    });
    const { track } = this;
    const rounded = Math.round(now);
    const time = ticks90k(track.out !== undefined && rounded <= track.out ? track.out + 1 : rounded);
    track.out = time;
    track.units++;
    const packets = this.#writer.pes(PID, writePes({ streamId: STREAM_ID, pts: time }, bytes));
    const stamps = readStamps(packets, 0, 1) as PesStamps;
    const unit = { track, dts: time, pts: time, randomAccess: true, stamps, arrivedAt: now, step: 0 };
    return { unit, packets };
  }
}
