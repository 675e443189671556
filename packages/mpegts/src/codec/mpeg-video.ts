// ISO/IEC 11172-2 (MPEG-1 video) and 13818-2 (MPEG-2 video).
//
//   b3 sequence_header: horizontal_size(12) vertical_size(12) aspect_ratio(4) frame_rate_code(4) bit_rate(18) …
//   b5 extension: id(4); 1 is sequence_extension, which only MPEG-2 has; 8 is picture_coding_extension
//   00 picture_header: temporal_reference(10) picture_coding_type(3) …      01 to af: slices      b8: group of pictures
import { u8 } from '../bytes.ts';
import { ticks90k } from '../time.ts';
import type { MpegVideoConfig } from './config.ts';
import type { FramerSink, TimedPes } from './framer.ts';
import { nextStartCode } from './start-code.ts';
import { VideoFramer, type VideoUnit } from './video.ts';

/** 13818-2 table 6-1: start code values. */
const code = { picture: 0x00, lastSlice: 0xaf, sequence: 0xb3, extension: 0xb5, group: 0xb8 } as const;
/** 13818-2 table 6-4: frame_rate_value. */
const frameRates: readonly (readonly [number, number] | undefined)[] = [
  undefined,
  [24_000, 1001],
  [24, 1],
  [25, 1],
  [30_000, 1001],
  [30, 1],
  [50, 1],
  [60_000, 1001],
  [60, 1],
];
/** 13818-2 table 6-12: picture_coding_type of an intra-coded picture. */
const INTRA = 1;
/** 13818-2 table 6-14: picture_structure of a frame picture. */
const FRAME_PICTURE = 3;

/** Access units of MPEG-1 and MPEG-2 video. A random access point is an intra-coded picture with its sequence header. */
export class MpegVideoFramer extends VideoFramer {
  #config: MpegVideoConfig | undefined;

  constructor(announced: 'mpeg1video' | 'mpeg2video', sink: FramerSink) {
    super(announced, sink);
  }

  protected override units(pes: TimedPes): VideoUnit[] {
    const bytes = pes.payload;
    const end = bytes.length;
    const units: VideoUnit[] = [];
    let begin = 0;
    let hasSlices = false;
    let hasSequence = false;
    let intra = false;
    let fields = 0;
    let sequence = -1;
    let sequenceExtension = -1;
    const close = (at: number) => {
      const randomAccess = hasSequence && intra;
      units.push({ start: begin, end: at, keyFrame: intra, randomAccess, config: this.#config });
      begin = at;
      hasSlices = false;
      hasSequence = false;
      intra = false;
      fields = 0;
    };
    for (let at = nextStartCode(bytes, 0, end); at >= 0; at = nextStartCode(bytes, at + 3, end)) {
      const value = u8(bytes, at + 3);
      const header = at + 4;
      if (value === code.sequence || value === code.group || value === code.picture) {
        // Two field pictures in a row are one access unit.
        if (hasSlices && !(value === code.picture && fields === 1)) close(at);
        if (value === code.sequence) {
          sequence = header;
          sequenceExtension = -1;
          hasSequence = true;
        } else if (sequence >= 0) {
          this.#takeSequence(bytes, sequence, sequenceExtension);
          sequence = -1;
        }
        if (value === code.picture && !hasSlices) intra = ((u8(bytes, header + 1) >> 3) & 7) === INTRA;
      } else if (value === code.extension) {
        const id = u8(bytes, header) >> 4;
        if (id === 1) sequenceExtension = header;
        // picture_coding_extension: four f_codes (16 bits), intra_dc_precision (2), picture_structure (2)
        else if (id === 8 && (u8(bytes, header + 2) & 3) !== FRAME_PICTURE) fields++;
      } else if (value > code.picture && value <= code.lastSlice) {
        hasSlices = true;
      }
    }
    if (sequence >= 0) this.#takeSequence(bytes, sequence, sequenceExtension);
    close(end);
    return units;
  }

  #takeSequence(bytes: Uint8Array, at: number, extension: number): void {
    let width = (u8(bytes, at) << 4) | (u8(bytes, at + 1) >> 4);
    let height = ((u8(bytes, at + 1) & 0x0f) << 8) | u8(bytes, at + 2);
    const rate = frameRates[u8(bytes, at + 3) & 0x0f];
    let [numerator, denominator] = rate ?? [0, 1];
    let profileAndLevel: number | undefined;
    if (extension >= 0) {
      // 13818-2 6.2.2.3: id(4) profile_and_level(8) progressive(1) chroma(2) width ext(2) height ext(2) …
      profileAndLevel = ((u8(bytes, extension) & 0x0f) << 4) | (u8(bytes, extension + 1) >> 4);
      width |= (((u8(bytes, extension + 1) & 1) << 1) | (u8(bytes, extension + 2) >> 7)) << 12;
      height |= ((u8(bytes, extension + 2) >> 5) & 3) << 12;
      numerator *= ((u8(bytes, extension + 5) >> 5) & 3) + 1; // frame_rate_extension_n
      denominator *= (u8(bytes, extension + 5) & 0x1f) + 1; // frame_rate_extension_d
    }
    if (width === 0 || height === 0) {
      this.sink.onFault('header', 0);
      return;
    }
    const next: MpegVideoConfig = {
      codec: extension >= 0 ? 'mpeg2video' : 'mpeg1video',
      width,
      height,
      frameRate: rate && numerator / denominator,
      frameDuration: rate && ticks90k(Math.round((90_000 * denominator) / numerator)),
      profileAndLevel,
    };
    if (!this.#config || !isSame(this.#config, next)) this.#config = next;
  }
}

const isSame = (a: MpegVideoConfig, b: MpegVideoConfig): boolean =>
  a.codec === b.codec &&
  a.width === b.width &&
  a.height === b.height &&
  a.frameRate === b.frameRate &&
  a.profileAndLevel === b.profileAndLevel;
