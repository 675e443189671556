// ITU-T H.264: what a sequence parameter set says.

/** 7.3.2.1.1: what a sequence parameter set says of pictures, as far as it is asked for. */
export interface Sequence {
  /** The usual: 4:2:0, 8 bits. */
  readonly isPlain: boolean;
  /** E.2.1: pixels are as wide as high, or nothing is said of that. */
  readonly isSquare: boolean;
  readonly hasPlanes: boolean;
  readonly frameNumberBits: number;
  /** 8.2.1: by numbers in the slices, or as they are decoded. */
  readonly orderBits: number | undefined;
  readonly isProgressive: boolean;
}

/** Profiles whose sets have formats and scaling lists. */
const HIGH: ReadonlySet<number> = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135]);
/** @param unit a sequence parameter set, without its length. @returns `undefined` for 8.2.1.2, and where it is none. */
export function sequenceOf(unit: Buffer): Sequence | undefined {
  const bits = new Bits(unit);
  const profile = bits.read(8);
  bits.read(16); // constraints, level
  bits.golomb(); // seq_parameter_set_id
  let hasPlanes = false;
  let isPlain = true;
  if (HIGH.has(profile)) {
    const format = bits.golomb();
    if (format === 3) hasPlanes = bits.read(1) === 1;
    const [luma, chroma] = [bits.golomb(), bits.golomb()]; // bit_depth_luma_minus8, bit_depth_chroma_minus8
    isPlain = format === 1 && luma === 0 && chroma === 0;
    bits.read(1); // qpprime_y_zero_transform_bypass_flag
    const lists = bits.read(1) === 1 ? (format === 3 ? 12 : 8) : 0;
    for (let i = 0; i < lists; i++) if (bits.read(1) === 1) passScalingList(bits, i < 6 ? 16 : 64);
  }
  const frameNumberBits = bits.golomb() + 4;
  const type = bits.golomb();
  if (type === 1) return undefined;
  const orderBits = type === 0 ? bits.golomb() + 4 : undefined;
  bits.golomb(); // max_num_ref_frames
  bits.read(1); // gaps_in_frame_num_value_allowed_flag
  bits.golomb(); // pic_width_in_mbs_minus1
  bits.golomb(); // pic_height_in_map_units_minus1
  const isProgressive = bits.read(1) === 1;
  if (!isProgressive) bits.read(1); // mb_adaptive_frame_field_flag
  bits.read(1); // direct_8x8_inference_flag
  // frame_cropping_flag
  if (bits.read(1) === 1) for (let side = 0; side < 4; side++) bits.golomb();
  // vui_parameters_present_flag, aspect_ratio_info_present_flag, aspect_ratio_idc
  const isSquare = bits.read(2) !== 3 || bits.read(8) <= 1;
  // 7.4.2.1.1: neither has more.
  if (bits.isOver || frameNumberBits > 16 || (orderBits ?? 0) > 16) return undefined;
  return { hasPlanes, frameNumberBits, orderBits, isProgressive, isPlain, isSquare };
}

/** 7.3.2.1.1.1. */
function passScalingList(bits: Bits, size: number): void {
  let [last, next] = [8, 8];
  for (let i = 0; i < size && next !== 0 && !bits.isOver; i++) {
    const code = bits.golomb();
    next = (last + (code % 2 === 1 ? (code + 1) / 2 : -code / 2) + 256) % 256;
    last = next === 0 ? last : next;
  }
}

/** Reads what is in a NAL unit behind its first byte; zeros after its end. */
export class Bits {
  readonly #bytes: number[] = [];
  #at = 0;

  constructor(unit: Buffer) {
    // 7.3.1: a 3 after two zeros is only there to tell what follows from the beginning of another unit.
    for (let i = 1; i < unit.byteLength; i++) {
      const isSet = unit[i] === 3 && i > 2 && unit[i - 1] === 0 && unit[i - 2] === 0;
      if (!isSet) this.#bytes.push(unit[i] ?? 0);
    }
  }

  /** More was read than there was. */
  get isOver(): boolean {
    return this.#at > this.#bytes.length * 8;
  }

  read(count: number): number {
    let value = 0;
    for (const end = this.#at + count; this.#at < end; this.#at++) {
      value = value * 2 + (((this.#bytes[this.#at >> 3] ?? 0) >> (7 - (this.#at & 7))) & 1);
    }
    return value;
  }

  /** 9.1: ue(v). */
  golomb(): number {
    let zeros = 0;
    while (zeros < 32 && !this.isOver && this.read(1) === 0) zeros++;
    return 2 ** zeros - 1 + this.read(zeros);
  }
}
