// ISO/IEC 23008-2 (ITU-T H.265): Annex B byte stream, 7.3.1 NAL units, 7.4.2.4.4 where an access unit begins.
//
//   nal_unit_header: forbidden_zero(1) nal_unit_type(6) nuh_layer_id(6) nuh_temporal_id_plus1(3)
import { sameBytes, u8, u16 } from '../bytes.ts';
import type { HevcConfig } from './config.ts';
import type { FramerSink, TimedPes } from './framer.ts';
import { type HevcSps, hevcCodecString, parseHevcSps } from './hevc-sps.ts';
import { leadingUe, MOST_SET_BYTES, ParameterSets, trimmed } from './nal.ts';
import { nextStartCode } from './start-code.ts';
import { VideoFramer, type VideoUnit } from './video.ts';

/** Table 7-1: nal_unit_type. Those below 32 are slices, from 16 to 21 of IRAP pictures: BLA, IDR and CRA. */
const nal = { firstIrap: 16, lastIrap: 21, vps: 32, sps: 33, pps: 34, delimiter: 35, prefixSei: 39 } as const;

const isSlice = (type: number): boolean => type < nal.vps;
const isIrap = (type: number): boolean => type >= nal.firstIrap && type <= nal.lastIrap;
/** 7.4.2.4.4: after the last slice of a picture the first of these begins the next access unit. */
const comesBeforeSlices = (type: number): boolean =>
  (type >= nal.vps && type <= nal.delimiter) ||
  type === nal.prefixSei ||
  (type >= 41 && type <= 44) ||
  (type >= 48 && type <= 55);

/**
 * Access units of H.265. A random access point is an intra random access point (IRAP) picture with its VPS, SPS and PPS
 * in the same access unit. Of a stream with layers all are kept together.
 */
export class HevcFramer extends VideoFramer {
  #sps: HevcSps | undefined;
  #spsBytes: Uint8Array | undefined;
  #vpsBytes: Uint8Array | undefined;
  readonly #pps = new ParameterSets();
  #config: HevcConfig | undefined;

  constructor(sink: FramerSink) {
    super('hevc', sink);
  }

  protected override units(pes: TimedPes): VideoUnit[] {
    const bytes = pes.payload;
    const end = bytes.length;
    const units: VideoUnit[] = [];
    let begin = 0;
    let hasPicture = false;
    let keyFrame = false;
    const seen = { vps: false, sps: false, pps: false };
    const close = (at: number) => {
      const randomAccess = keyFrame && seen.vps && seen.sps && seen.pps;
      units.push({ start: begin, end: at, keyFrame, randomAccess, config: this.#currentConfig() });
      begin = at;
      hasPicture = false;
      keyFrame = false;
      seen.vps = seen.sps = seen.pps = false;
    };
    let code = nextStartCode(bytes, 0, end);
    while (code >= 0) {
      const at = code + 3;
      const next = nextStartCode(bytes, at, end);
      const stop = next < 0 ? end : next;
      const header = u16(bytes, at);
      const type = (header >> 9) & 0x3f;
      const isBase = ((header >> 3) & 0x3f) === 0; // nuh_layer_id
      if (hasPicture && isBase && beginsUnit(bytes, at, type)) {
        // B.2.2: zero_byte before the first NAL unit of an access unit belongs to it.
        close(code > begin && bytes[code - 1] === 0 ? code - 1 : code);
      }
      if (isBase && isSlice(type)) {
        hasPicture = true;
        keyFrame ||= isIrap(type);
      } else if (isBase && type === nal.vps) {
        seen.vps = true;
        this.#takeVps(trimmed(bytes, at, stop));
      } else if (isBase && type === nal.sps) {
        seen.sps = true;
        this.#takeSps(trimmed(bytes, at, stop));
      } else if (isBase && type === nal.pps) {
        seen.pps = true;
        this.#takePps(trimmed(bytes, at, stop));
      }
      code = next;
    }
    close(end);
    return units;
  }

  #takeVps(set: Uint8Array): void {
    if (set.length > MOST_SET_BYTES || (this.#vpsBytes && sameBytes(set, this.#vpsBytes))) return;
    this.#vpsBytes = set.slice();
    this.#config = undefined;
  }

  #takeSps(set: Uint8Array): void {
    if (this.#spsBytes && sameBytes(set, this.#spsBytes)) return;
    const sps = set.length <= MOST_SET_BYTES ? parseHevcSps(set) : undefined;
    if (!sps) {
      this.sink.onFault('header', 0);
      return;
    }
    this.#sps = sps;
    this.#spsBytes = set.slice();
    this.#config = undefined;
  }

  #takePps(set: Uint8Array): void {
    if (set.length < 3 || set.length > MOST_SET_BYTES) return;
    // 7.4.3.3.1: pps_pic_parameter_set_id, ue(v), is 0 to 63.
    if (this.#pps.take(leadingUe(set, 2), set)) this.#config = undefined;
  }

  #currentConfig(): HevcConfig | undefined {
    if (this.#config || !this.#sps || !this.#spsBytes || !this.#vpsBytes || this.#pps.size === 0)
      return this.#config;
    const { profile, width, height, frameRate, frameDuration } = this.#sps;
    this.#config = {
      codec: 'hevc',
      codecString: hevcCodecString(profile),
      profile: profile.profile,
      tier: profile.high ? 'high' : 'main',
      level: profile.level,
      width,
      height,
      frameRate,
      frameDuration,
      vps: this.#vpsBytes,
      sps: this.#spsBytes,
      pps: this.#pps.list(),
    };
    return this.#config;
  }
}

/** first_slice_segment_in_pic_flag is the first bit after the header (7.3.6.1). */
const beginsUnit = (bytes: Uint8Array, at: number, type: number): boolean =>
  isSlice(type) ? (u8(bytes, at + 2) & 0x80) !== 0 : comesBeforeSlices(type);
