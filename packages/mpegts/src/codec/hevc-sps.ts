// ISO/IEC 23008-2 (ITU-T H.265) 7.3.2.2: the sequence parameter set, and ISO/IEC 14496-15 E.3: its codec string.
import { type Ticks90k, ticks90k } from '../time.ts';
import { BitReader } from './bits.ts';
import { rbspOf } from './nal.ts';

/** general_… of profile_tier_level (7.3.3). */
export interface HevcProfile {
  /** general_profile_space, 0 in all that this edition defines. */
  readonly space: number;
  /** general_tier_flag: the High tier. */
  readonly high: boolean;
  /** general_profile_idc: 1 Main, 2 Main 10. */
  readonly profile: number;
  /** general_profile_compatibility_flag[0…31], flag 0 as the highest bit. */
  readonly compatibility: number;
  /** The six bytes from general_progressive_source_flag on. */
  readonly constraints: readonly number[];
  /** general_level_idc: 30 × the level. */
  readonly level: number;
}

/** What a sequence parameter set says about the picture. */
export interface HevcSps {
  readonly profile: HevcProfile;
  /** Shown size in pixels. */
  readonly width: number;
  readonly height: number;
  readonly frameRate: number | undefined;
  readonly frameDuration: Ticks90k | undefined;
}

/** A.4.1: a side has at most sqrt(8 × MaxLumaPs) samples; MaxLumaPs of level 7.2 is 142,606,336. */
const MOST_SAMPLES_PER_SIDE = 33_776;
/** 7.4.3.2.1: num_short_term_ref_pic_sets and num_long_term_ref_pics_sps. */
const MOST_SHORT_TERM_SETS = 64;
const MOST_LONG_TERM_PICS = 32;
/** A.4.2: MaxDpbSize, so that many pictures can be referred to. */
const MOST_REFERENCES = 16;

/** The sequence parameter set in a NAL unit of type 33, or undefined if it cannot be one. */
export function parseHevcSps(nal: Uint8Array): HevcSps | undefined {
  const bits = new BitReader(rbspOf(nal.subarray(1))); // nal_unit_header has two bytes
  bits.skip(4); // sps_video_parameter_set_id
  const subLayers = bits.read(3); // sps_max_sub_layers_minus1
  bits.skip(1); // sps_temporal_id_nesting_flag
  const profile = readProfile(bits, subLayers);
  bits.unsigned(); // sps_seq_parameter_set_id
  const chroma = bits.unsigned();
  const separatePlanes = chroma === 3 && bits.flag();
  const coded = { width: bits.unsigned(), height: bits.unsigned() };
  let cropX = 0;
  let cropY = 0;
  if (bits.flag()) {
    // conformance_window_flag
    cropX = bits.unsigned() + bits.unsigned();
    cropY = bits.unsigned() + bits.unsigned();
  }
  // Table 6-1: the window is counted in units of SubWidthC and SubHeightC.
  const mono = chroma === 0 || separatePlanes;
  const width = coded.width - cropX * (mono || chroma === 3 ? 1 : 2);
  const height = coded.height - cropY * (mono || chroma !== 1 ? 1 : 2);
  if (bits.overrun || chroma > 3 || subLayers > 6 || width <= 0 || height <= 0) return undefined;
  if (coded.width > MOST_SAMPLES_PER_SIDE || coded.height > MOST_SAMPLES_PER_SIDE) return undefined;
  const timing = skipToVui(bits, subLayers) ? readTiming(bits) : undefined;
  const valid = timing && !bits.overrun && timing.units > 0 && timing.scale > 0;
  const frameRate = valid ? timing.scale / timing.units : undefined;
  return {
    profile,
    width,
    height,
    frameRate,
    frameDuration: frameRate ? ticks90k(Math.round(90_000 / frameRate)) : undefined,
  };
}

/** 14496-15 E.3, such as `hvc1.1.6.L93.B0`. */
export function hevcCodecString({
  space,
  high,
  profile,
  compatibility,
  constraints,
  level,
}: HevcProfile): string {
  let reversed = 0;
  for (let i = 0; i < 32; i++) reversed = reversed * 2 + ((compatibility >>> i) & 1);
  // Trailing bytes that are zero are left out.
  const bytes = constraints.slice(0, constraints.findLastIndex((byte) => byte !== 0) + 1);
  return [
    'hvc1',
    `${['', 'A', 'B', 'C'][space]}${profile}`,
    hex(reversed),
    `${high ? 'H' : 'L'}${level}`,
    ...bytes.map(hex),
  ].join('.');
}

const hex = (value: number): string => value.toString(16).toUpperCase();

/** 7.3.3: profile_tier_level( 1, sps_max_sub_layers_minus1 ). */
function readProfile(bits: BitReader, subLayers: number): HevcProfile {
  const general: HevcProfile = {
    space: bits.read(2),
    high: bits.flag(),
    profile: bits.read(5),
    compatibility: bits.read(32),
    constraints: [0, 1, 2, 3, 4, 5].map(() => bits.read(8)),
    level: bits.read(8),
  };
  const present = Array.from({ length: subLayers }, () => ({ profile: bits.flag(), level: bits.flag() }));
  if (subLayers > 0) bits.skip(2 * (8 - subLayers)); // reserved_zero_2bits
  for (const layer of present) bits.skip((layer.profile ? 88 : 0) + (layer.level ? 8 : 0));
  return general;
}

/** 7.3.2.2.1 from bit_depth_luma_minus8 to vui_parameters_present_flag: whether there is a VUI, which begins here. */
function skipToVui(bits: BitReader, subLayers: number): boolean {
  bits.unsigned(); // bit_depth_luma_minus8
  bits.unsigned(); // bit_depth_chroma_minus8
  const orderBits = bits.unsigned() + 4; // log2_max_pic_order_cnt_lsb_minus4
  for (let i = bits.flag() ? 0 : subLayers; i <= subLayers; i++) {
    bits.unsigned(); // sps_max_dec_pic_buffering_minus1
    bits.unsigned(); // sps_max_num_reorder_pics
    bits.unsigned(); // sps_max_latency_increase_plus1
  }
  for (let i = 0; i < 6; i++) bits.unsigned(); // block sizes, transform depths
  if (bits.flag() && bits.flag()) skipScalingLists(bits);
  bits.skip(2); // amp_enabled_flag, sample_adaptive_offset_enabled_flag
  if (bits.flag()) {
    // pcm_enabled_flag
    bits.skip(8); // bit depths
    bits.unsigned();
    bits.unsigned();
    bits.skip(1); // pcm_loop_filter_disabled_flag
  }
  if (!skipShortTermSets(bits)) return false;
  if (bits.flag()) {
    const count = bits.unsigned(); // num_long_term_ref_pics_sps
    if (count > MOST_LONG_TERM_PICS) return false;
    bits.skip(count * (orderBits + 1)); // lt_ref_pic_poc_lsb_sps, used_by_curr_pic_lt_sps_flag
  }
  bits.skip(2); // sps_temporal_mvp_enabled_flag, strong_intra_smoothing_enabled_flag
  return bits.flag();
}

/** 7.3.4. */
function skipScalingLists(bits: BitReader): void {
  for (let size = 0; size < 4; size++) {
    for (let matrix = 0; matrix < 6; matrix += size === 3 ? 3 : 1) {
      if (!bits.flag()) {
        bits.unsigned(); // scaling_list_pred_matrix_id_delta
        continue;
      }
      if (size > 1) bits.signed(); // scaling_list_dc_coef_minus8
      const coefficients = Math.min(64, 1 << (4 + 2 * size));
      for (let i = 0; i < coefficients && !bits.overrun; i++) bits.signed();
    }
  }
}

/**
 * 7.3.7: st_ref_pic_set() for each set of the SPS; false where they cannot be. One that is predicted from the set before
 * has as many flags as that has pictures, so these have to be counted: each set is a list of picture order distances.
 */
function skipShortTermSets(bits: BitReader): boolean {
  const count = bits.unsigned(); // num_short_term_ref_pic_sets
  if (count > MOST_SHORT_TERM_SETS) return false;
  let before: number[] = [];
  for (let index = 0; index < count; index++) {
    const predicted = index > 0 && bits.flag(); // inter_ref_pic_set_prediction_flag
    const distances = predicted ? predictSet(bits, before) : readSet(bits);
    if (!distances || bits.overrun) return false;
    before = distances;
  }
  return true;
}

function readSet(bits: BitReader): number[] | undefined {
  const counts = [bits.unsigned(), bits.unsigned()]; // num_negative_pics, num_positive_pics
  const distances: number[] = [];
  for (const [side, count] of counts.entries()) {
    if (count > MOST_REFERENCES) return undefined;
    let distance = 0;
    for (let i = 0; i < count; i++) {
      distance += (bits.unsigned() + 1) * (side === 0 ? -1 : 1); // delta_poc_s0_minus1, delta_poc_s1_minus1
      distances.push(distance);
      bits.skip(1); // used_by_curr_pic_s0_flag, …_s1_flag
    }
  }
  return distances;
}

/** 7.4.8, equations 7-61 and 7-62: pictures before the current one, nearest first, then those after it. */
function predictSet(bits: BitReader, before: readonly number[]): number[] | undefined {
  const sign = bits.flag() ? -1 : 1; // delta_rps_sign
  const shift = sign * (bits.unsigned() + 1); // abs_delta_rps_minus1
  const distances: number[] = [];
  for (const base of [...before, 0]) {
    const kept = bits.flag() || bits.flag(); // used_by_curr_pic_flag, else use_delta_flag
    if (kept && base + shift !== 0) distances.push(base + shift);
  }
  if (distances.length > MOST_REFERENCES) return undefined;
  const nearest = (a: number, b: number) => Math.abs(a) - Math.abs(b);
  return [
    ...distances.filter((distance) => distance < 0).sort(nearest),
    ...distances.filter((distance) => distance > 0).sort(nearest),
  ];
}

/** E.2.1: the VUI as far as the timing. */
function readTiming(bits: BitReader): { units: number; scale: number } | undefined {
  const EXTENDED_SAR = 255;
  if (bits.flag() && bits.read(8) === EXTENDED_SAR) bits.skip(32); // aspect_ratio_idc, sar_width, sar_height
  if (bits.flag()) bits.skip(1); // overscan
  if (bits.flag()) {
    bits.skip(4); // video_format, video_full_range_flag
    if (bits.flag()) bits.skip(24); // colour description
  }
  if (bits.flag()) {
    bits.unsigned(); // chroma_sample_loc_type_top_field
    bits.unsigned();
  }
  bits.skip(3); // neutral_chroma_indication_flag, field_seq_flag, frame_field_info_present_flag
  if (bits.flag()) for (let i = 0; i < 4; i++) bits.unsigned(); // default display window
  if (!bits.flag()) return undefined;
  return { units: bits.read(32), scale: bits.read(32) };
}
