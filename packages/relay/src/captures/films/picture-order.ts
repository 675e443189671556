// ITU-T H.264: in which order pictures are shown, which is another than the one in which they are decoded.

/** 7.3.2.1.1: what a sequence parameter set says of that. */
interface Sequence {
  readonly hasPlanes: boolean;
  readonly frameNumberBits: number;
  /** 8.2.1: by numbers in the slices, or as they are decoded. */
  readonly orderBits: number | undefined;
  readonly isProgressive: boolean;
}

/** Profiles whose sets have formats and scaling lists. */
const HIGH: ReadonlySet<number> = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135]);
/** Of a slice, so much is looked at: all that comes before what is asked for. */
const HEADER_BYTES = 32;
const KEY_SLICE = 5;

/** Reads, picture by picture as they are decoded, when each is shown. */
export class PictureOrder {
  /** There were fields that are pictures of their own. */
  hasFields = false;
  #sequence: Sequence | undefined;
  /** 8.2.1.1: of the last picture that others refer to. */
  #before = { high: 0, low: 0 };

  /** Takes a sequence parameter set in. @param unit without its length. */
  learn(unit: Buffer): void {
    this.#sequence = sequenceOf(unit);
  }

  /**
   * @param slice the first of a picture, without its length.
   * @returns its place since the last key frame, by comparison with others. `undefined` where it cannot be told: fields
   *   that are pictures of their own, and 8.2.1.2, which no encoder uses.
   */
  next(slice: Buffer): number | undefined {
    const sequence = this.#sequence;
    if (!sequence) return undefined;
    const header = slice.readUInt8(0);
    const isKey = (header & 0x1f) === KEY_SLICE;
    // 7.3.3.
    const bits = new Bits(slice.subarray(0, HEADER_BYTES));
    for (const _field of ['first_mb_in_slice', 'slice_type', 'pic_parameter_set_id']) bits.golomb();
    if (sequence.hasPlanes) bits.read(2);
    bits.read(sequence.frameNumberBits);
    if (!sequence.isProgressive && bits.read(1) === 1) {
      this.hasFields = true;
      return undefined;
    }
    if (isKey) bits.golomb();
    if (sequence.orderBits === undefined) return this.#counted(isKey);
    const low = bits.read(sequence.orderBits);
    const { high, low: lowBefore } = isKey ? { high: 0, low: 0 } : this.#before;
    const most = 2 ** sequence.orderBits;
    const isNext = low < lowBefore && lowBefore - low >= most / 2;
    const isBefore = low > lowBefore && low - lowBefore > most / 2;
    const place = { high: high + (isNext ? most : isBefore ? -most : 0), low };
    if (header >> 5 > 0) this.#before = place;
    return place.high + low;
  }

  /** 8.2.1.3. */
  #counted(isKey: boolean): number {
    this.#before = { high: 0, low: isKey ? 0 : this.#before.low + 1 };
    return this.#before.low;
  }
}

function sequenceOf(unit: Buffer): Sequence | undefined {
  const bits = new Bits(unit);
  const profile = bits.read(8);
  bits.read(16); // constraints, level
  bits.golomb(); // seq_parameter_set_id
  let hasPlanes = false;
  if (HIGH.has(profile)) {
    const format = bits.golomb();
    if (format === 3) hasPlanes = bits.read(1) === 1;
    bits.golomb(); // bit_depth_luma_minus8
    bits.golomb(); // bit_depth_chroma_minus8
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
  // 7.4.2.1.1: neither has more.
  if (bits.isOver || frameNumberBits > 16 || (orderBits ?? 0) > 16) return undefined;
  return { hasPlanes, frameNumberBits, orderBits, isProgressive };
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
class Bits {
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
