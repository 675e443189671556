import { concat } from '../bytes.ts';
import { PacketWriter } from '../packet/write.ts';
import { writePes } from '../pes/write.ts';
import type { Descriptor } from '../psi/descriptors.ts';
import { writePat, writePmt } from '../psi/write.ts';
import { ticks27M, ticks90k } from '../time.ts';
import { Random } from './random.ts';
import { adtsFrame, h264Unit, mpegAudioFrame, mpegVideoUnit } from './streams.ts';

const kinds = {
  h264: { streamType: 0x1b, streamId: 0xe0 },
  mpeg1video: { streamType: 0x02, streamId: 0xe0 },
  aac: { streamType: 0x0f, streamId: 0xc0 },
  mp2: { streamType: 0x03, streamId: 0xc0 },
  klv: { streamType: 0x15, streamId: 0xfc },
} as const;

export interface TestEncoderOptions {
  readonly codec: keyof typeof kinds;
  /** The first time stamp, in ticks of 90 kHz. Default 126000, which is ffmpeg's. */
  readonly start?: number;
  /** What a unit lasts. Default 3600, 40 ms. */
  readonly step?: number;
  /** A random access point each so many units. Default 25. */
  readonly group?: number;
  /** Bytes of a unit, about. Default 400. */
  readonly bytes?: number;
  /** Says random access in its packets. Default true. */
  readonly flags?: boolean;
  /** PES packets of video tell their length. Default true. */
  readonly bounded?: boolean;
  readonly pid?: number;
  readonly descriptors?: readonly Descriptor[];
  readonly seed?: number;
}

/** An encoder of one elementary stream, with the PIDs of ffmpeg: every one of them the same. */
export class TestEncoder {
  readonly step: number;
  /** The time stamp of the next unit. */
  ticks: number;
  units = 0;
  /** All payloads so far that {@link unit} made. */
  readonly payloads: Uint8Array[] = [];
  readonly #options: TestEncoderOptions;
  readonly #random: Random;
  readonly #writer = new PacketWriter();

  constructor(options: TestEncoderOptions) {
    this.#options = options;
    this.step = options.step ?? 3600;
    this.ticks = options.start ?? 126_000;
    this.#random = new Random(options.seed ?? 3);
  }

  /** PAT and PMT. */
  tables(): Uint8Array {
    const { codec, descriptors = [], pid = 0x100 } = this.#options;
    const pat = writePat({ programs: [{ programNumber: 1, pmtPid: 0x1000 }] });
    const streams = [{ pid, streamType: kinds[codec].streamType, descriptors }];
    const pmt = writePmt({ programNumber: 1, version: 0, pcrPid: pid, descriptors: [], streams });
    return concat(this.#writer.section(0, pat), this.#writer.section(0x1000, pmt));
  }

  /** The next unit, as packets; before each random access point the tables. */
  unit(): Uint8Array {
    const { codec, pid = 0x100, group = 25, flags = true, bounded = true } = this.#options;
    const key = this.units++ % group === 0;
    const payload = this.#payload(key);
    this.payloads.push(payload);
    const pes = writePes({ streamId: kinds[codec].streamId, pts: ticks90k(this.ticks), bounded }, payload);
    const packets = this.#writer.pes(pid, pes, {
      pcr: ticks27M((this.ticks - 9000) * 300),
      randomAccess: flags && key,
    });
    this.ticks += this.step;
    return key ? concat(this.tables(), packets) : packets;
  }

  #payload(key: boolean): Uint8Array {
    const { codec, bytes = 400 } = this.#options;
    const random = this.#random;
    if (codec === 'h264') return h264Unit(random, key ? 'idr' : 'p', bytes);
    if (codec === 'mpeg1video') return mpegVideoUnit(random, 1, key, bytes);
    if (codec === 'aac') return adtsFrame(random, bytes);
    if (codec === 'mp2') return mpegAudioFrame(random, 2);
    return random.bytes(bytes);
  }
}
