// ISO/IEC 14496-10: Annex B byte stream, 7.3.1 NAL units, 7.4.1.2.3 where an access unit begins.
import { sameBytes, u8 } from '../bytes.ts';
import type { H264Config } from './config.ts';
import type { FramerSink, TimedPes } from './framer.ts';
import { parseSps, type Sps } from './h264-sps.ts';
import { leadingUe, MOST_SET_BYTES, ParameterSets, trimmed } from './nal.ts';
import { nextStartCode } from './start-code.ts';
import { VideoFramer, type VideoUnit } from './video.ts';

/** Table 7-1: nal_unit_type. */
const nal = { slice: 1, idr: 5, sei: 6, sps: 7, pps: 8, delimiter: 9 } as const;

const hex = (byte: number): string => byte.toString(16).padStart(2, '0');

/** Access units of H.264. A random access point is an IDR picture with its SPS and PPS in the same access unit. */
export class H264Framer extends VideoFramer {
  #sps: Sps | undefined;
  #spsBytes: Uint8Array | undefined;
  readonly #pps = new ParameterSets();
  #config: H264Config | undefined;

  constructor(sink: FramerSink) {
    super('h264', sink);
  }

  protected override units(pes: TimedPes): VideoUnit[] {
    const bytes = pes.payload;
    const end = bytes.length;
    const units: VideoUnit[] = [];
    let begin = 0;
    let hasPicture = false;
    let seen = 0;
    const close = (at: number) => {
      const keyFrame = (seen & (1 << nal.idr)) !== 0;
      const randomAccess = keyFrame && (seen & (1 << nal.sps)) !== 0 && (seen & (1 << nal.pps)) !== 0;
      units.push({ start: begin, end: at, keyFrame, randomAccess, config: this.#currentConfig() });
      begin = at;
      hasPicture = false;
      seen = 0;
    };
    let code = nextStartCode(bytes, 0, end);
    while (code >= 0) {
      const at = code + 3;
      const next = nextStartCode(bytes, at, end);
      const type = u8(bytes, at) & 0x1f;
      if (hasPicture && this.#beginsUnit(bytes, at, type)) {
        // B.1.1: zero_byte before the first NAL unit of an access unit belongs to it.
        close(code > begin && bytes[code - 1] === 0 ? code - 1 : code);
      }
      if (type === nal.sps) this.#takeSps(bytes, at, next < 0 ? end : next);
      else if (type === nal.pps) this.#takePps(bytes, at, next < 0 ? end : next);
      else if (type === nal.slice || type === nal.idr) hasPicture = true;
      seen |= 1 << type;
      code = next;
    }
    close(end);
    return units;
  }

  /**
   * 7.4.1.2.3: after the slices of a picture these begin the next access unit. Streams with field pictures are left in
   * one piece, since the second field of a frame looks the same.
   */
  #beginsUnit(bytes: Uint8Array, at: number, type: number): boolean {
    if (!this.#sps?.progressive) return false;
    if (type >= nal.sei && type <= nal.delimiter) return true;
    // first_mb_in_slice, ue(v), is 0: its first bit is 1.
    return (type === nal.slice || type === nal.idr) && (u8(bytes, at + 1) & 0x80) !== 0;
  }

  #takeSps(bytes: Uint8Array, start: number, end: number): void {
    const set = trimmed(bytes, start, end);
    if (this.#spsBytes && sameBytes(set, this.#spsBytes)) return;
    const sps = set.length <= MOST_SET_BYTES ? parseSps(set) : undefined;
    if (!sps) {
      this.sink.onFault('header', 0);
      return;
    }
    this.#sps = sps;
    this.#spsBytes = set.slice();
    this.#config = undefined;
  }

  #takePps(bytes: Uint8Array, start: number, end: number): void {
    const set = trimmed(bytes, start, end);
    if (set.length < 2 || set.length > MOST_SET_BYTES) return;
    // 7.4.2.2: pic_parameter_set_id, ue(v), is 0 to 255.
    if (!this.#pps.take(leadingUe(set, 1), set)) return;
    this.#config = undefined;
  }

  #currentConfig(): H264Config | undefined {
    if (this.#config || !this.#sps || !this.#spsBytes || this.#pps.size === 0) return this.#config;
    const { profile, constraints, level, width, height, frameRate, frameDuration, progressive } = this.#sps;
    this.#config = {
      codec: 'h264',
      codecString: `avc1.${hex(profile)}${hex(constraints)}${hex(level)}`,
      profile,
      constraints,
      level,
      width,
      height,
      frameRate,
      frameDuration,
      progressive,
      sps: this.#spsBytes,
      pps: this.#pps.list(),
    };
    return this.#config;
  }
}
