import { PacketWriter, ticks27M, ticks90k, writePat, writePes, writePmt } from '@perch/mpegts';

const PMT_PID = 0x1000;
const PID = 0x100;
const START = [0, 0, 0, 1];
/** Parameter sets that x264 wrote for 320×240, baseline. */
const SETS = [
  ...[...START, 0x67, 0x42, 0xc0, 0x0d, 0xd9, 0x01, 0x41, 0xfb, 0x01, 0x10, 0x00, 0x00, 0x03, 0x00, 0x10],
  ...[0x00, 0x00, 0x03, 0x03, 0xc0, 0xf1, 0x42, 0xa4, 0x80],
  ...[...START, 0x68, 0xcb, 0x83, 0xcb, 0x20],
];
/** An MPEG-1 audio frame, layer II, 48 kHz, 192 kbit/s: 24 ms. */
const FRAME_HEADER = [0xff, 0xfd, 0xa4, 0x00];
const FRAME_BYTES = 576;

export interface EncoderOptions {
  /** Its first time stamp, in 90 kHz. */
  readonly start?: number;
  /** Further programs in its tables. */
  readonly programs?: number;
  /** Default true. */
  readonly pcr?: boolean;
}

/** What an encoder of one track sends: its tables before each random access point, default PIDs, as ffmpeg's. */
export class Encoder {
  /** The next time stamp, in 90 kHz. */
  ticks: number;
  readonly #kind: 'video' | 'audio';
  readonly #options: EncoderOptions;
  readonly #writer = new PacketWriter();

  constructor(kind: 'video' | 'audio', options: EncoderOptions = {}) {
    this.#kind = kind;
    this.#options = options;
    this.ticks = options.start ?? 126_000;
  }

  /** PAT and PMTs. */
  tables(): Uint8Array {
    const { programs: more = 0 } = this.#options;
    const programs = Array.from({ length: 1 + more }, (_, i) => ({
      programNumber: i + 1,
      pmtPid: PMT_PID + i,
    }));
    const parts = [this.#writer.section(0, writePat({ programs }))];
    for (const [i, { programNumber, pmtPid }] of programs.entries()) {
      const pid = PID + i;
      const streams = [{ pid, streamType: this.#kind === 'video' ? 0x1b : 3, descriptors: [] }];
      const pmt = writePmt({ programNumber, version: 0, pcrPid: pid, descriptors: [], streams });
      parts.push(this.#writer.section(pmtPid, pmt));
    }
    return Buffer.concat(parts);
  }

  /** The next picture (40 ms) or sound frame (24 ms), of the byte `fill`; a key picture with its tables. */
  unit(options: { key?: boolean; fill?: number } = {}): Uint8Array {
    const { key = false, fill = 0x55 } = options;
    const isVideo = this.#kind === 'video';
    const unit = isVideo ? picture(key, fill) : frame(fill);
    const pts = ticks90k(this.ticks);
    const pes = writePes({ streamId: isVideo ? 0xe0 : 0xc0, pts, bounded: true }, unit);
    const packets = this.#writer.pes(PID, pes, {
      randomAccess: key || !isVideo,
      ...(this.#options.pcr !== false && { pcr: ticks27M((this.ticks - 9_000) * 300) }),
    });
    this.ticks += isVideo ? 3_600 : 2_160;
    return key || !isVideo ? Buffer.concat([this.tables(), packets]) : packets;
  }
}

function picture(key: boolean, fill: number): Uint8Array {
  const delimiter = [...START, 9, 0xf0];
  const slice = [...START, key ? 0x65 : 0x41, 0x9a];
  return Uint8Array.from([...delimiter, ...(key ? SETS : []), ...slice, ...Array<number>(400).fill(fill)]);
}

function frame(fill: number): Uint8Array {
  return Uint8Array.from([...FRAME_HEADER, ...Array<number>(FRAME_BYTES - FRAME_HEADER.length).fill(fill)]);
}
