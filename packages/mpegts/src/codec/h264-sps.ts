// ISO/IEC 14496-10 7.3.2.1.1: the sequence parameter set.
import { type Ticks90k, ticks90k } from '../time.ts';
import { BitReader } from './bits.ts';
import { rbspOf } from './nal.ts';

/** What a sequence parameter set says about the picture. */
export interface Sps {
  readonly id: number;
  readonly profile: number;
  readonly constraints: number;
  readonly level: number;
  /** Shown size in pixels. */
  readonly width: number;
  readonly height: number;
  readonly progressive: boolean;
  /** 6.2, chroma_format_idc: 0 monochrome, 1 4:2:0, 2 4:2:2, 3 4:4:4. */
  readonly chromaFormat: number;
  readonly separatePlanes: boolean;
  /** Bits of a sample. */
  readonly bitDepth: { readonly luma: number; readonly chroma: number };
  /** E.2.1: pixels are as wide as high, or nothing is said of that. */
  readonly squarePixels: boolean;
  /** Bits of frame_num in a slice's header. */
  readonly frameNumberBits: number;
  /** 8.2.1, pic_order_cnt_type; and bits of pic_order_cnt_lsb in a slice's header, 0 where the type is not 0. */
  readonly orderType: number;
  readonly orderBits: number;
  readonly frameRate: number | undefined;
  readonly frameDuration: Ticks90k | undefined;
}

/** 7.3.2.1.1: profiles whose sets carry chroma_format_idc, bit depths and scaling matrices. */
const HIGH: ReadonlySet<number> = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135]);
/** A.3: no level allows more than 139,264 macroblocks, in neither direction more than sqrt(8 × that). */
const MOST_MACROBLOCKS_PER_SIDE = 1056;

/** The sequence parameter set in a NAL unit of type 7, or undefined if it cannot be one. */
export function parseSps(nal: Uint8Array): Sps | undefined {
  const bits = new BitReader(rbspOf(nal));
  const profile = bits.read(8);
  const constraints = bits.read(8);
  const level = bits.read(8);
  const id = bits.unsigned();
  let chroma = 1;
  let separatePlanes = false;
  const bitDepth = { luma: 8, chroma: 8 };
  if (HIGH.has(profile)) {
    chroma = bits.unsigned();
    if (chroma === 3) separatePlanes = bits.flag();
    bitDepth.luma += bits.unsigned(); // bit_depth_luma_minus8
    bitDepth.chroma += bits.unsigned();
    bits.skip(1); // qpprime_y_zero_transform_bypass_flag
    const lists = bits.flag() ? (chroma === 3 ? 12 : 8) : 0;
    for (let i = 0; i < lists; i++) {
      if (bits.flag()) skipScalingList(bits, i);
    }
  }
  const frameNumberBits = bits.unsigned() + 4; // log2_max_frame_num_minus4
  const orderType = bits.unsigned();
  let orderBits = 0;
  if (orderType === 0) orderBits = bits.unsigned() + 4;
  else if (orderType === 1) {
    bits.skip(1);
    bits.signed();
    bits.signed();
    const cycle = bits.unsigned();
    if (cycle > 255) return undefined; // 7.4.2.1.1
    for (let i = 0; i < cycle; i++) bits.signed();
  }
  bits.unsigned(); // max_num_ref_frames
  bits.skip(1); // gaps_in_frame_num_value_allowed_flag
  const widthMbs = bits.unsigned() + 1;
  const heightMapUnits = bits.unsigned() + 1;
  const progressive = bits.flag(); // frame_mbs_only_flag
  if (!progressive) bits.skip(1); // mb_adaptive_frame_field_flag
  bits.skip(1); // direct_8x8_inference_flag
  let cropX = 0;
  let cropY = 0;
  if (bits.flag()) {
    cropX = bits.unsigned() + bits.unsigned();
    cropY = bits.unsigned() + bits.unsigned();
  }
  const fields = progressive ? 1 : 2;
  // 7.4.2.1.1, table 6-1: CropUnitX is SubWidthC, CropUnitY is SubHeightC × (2 − frame_mbs_only_flag).
  const mono = chroma === 0 || separatePlanes;
  const width = widthMbs * 16 - cropX * (mono || chroma === 3 ? 1 : 2);
  const height = heightMapUnits * 16 * fields - cropY * (mono || chroma !== 1 ? 1 : 2) * fields;
  if (bits.overrun || chroma > 3 || id > 31 || width <= 0 || height <= 0) return undefined;
  if (widthMbs > MOST_MACROBLOCKS_PER_SIDE || heightMapUnits * fields > MOST_MACROBLOCKS_PER_SIDE)
    return undefined;
  const usability = bits.flag() ? readUsability(bits) : NO_USABILITY;
  const { timing, squarePixels } = usability;
  // E.2.1: time_scale / num_units_in_tick is the field rate.
  const valid = timing && !bits.overrun && timing.units > 0 && timing.scale > 0;
  const frameRate = valid ? timing.scale / (2 * timing.units) : undefined;
  return {
    id,
    profile,
    constraints,
    level,
    width,
    height,
    progressive,
    chromaFormat: chroma,
    separatePlanes,
    bitDepth,
    squarePixels,
    frameNumberBits,
    orderType,
    orderBits,
    frameRate,
    frameDuration: frameRate ? ticks90k(Math.round(90_000 / frameRate)) : undefined,
  };
}

/** 7.3.2.1.1.1. */
function skipScalingList(bits: BitReader, index: number): void {
  let next = 8;
  for (let i = 0, last = 8; i < (index < 6 ? 16 : 64) && next !== 0 && !bits.overrun; i++) {
    next = (last + bits.signed() + 256) % 256;
    last = next === 0 ? last : next;
  }
}

/** Of the video usability information (E.1.1), what is asked for. */
interface Usability {
  readonly squarePixels: boolean;
  readonly timing: { readonly units: number; readonly scale: number } | undefined;
}

const NO_USABILITY: Usability = { squarePixels: true, timing: undefined };
/** Table E-1. */
const [SQUARE, EXTENDED_SAR] = [1, 255];

function readUsability(bits: BitReader): Usability {
  const aspect = bits.flag() ? bits.read(8) : 0; // aspect_ratio_idc, 0 is unspecified
  if (aspect === EXTENDED_SAR) bits.skip(32); // sar_width, sar_height
  return { squarePixels: aspect <= SQUARE, timing: readTiming(bits) };
}

/** From what follows the aspect ratio on. */
function readTiming(bits: BitReader): Usability['timing'] {
  if (bits.flag()) bits.skip(1); // overscan
  if (bits.flag()) {
    bits.skip(4); // video_format, video_full_range_flag
    if (bits.flag()) bits.skip(24); // colour description
  }
  if (bits.flag()) {
    bits.unsigned(); // chroma_sample_loc_type_top_field
    bits.unsigned();
  }
  if (!bits.flag()) return undefined;
  return { units: bits.read(32), scale: bits.read(32) };
}
