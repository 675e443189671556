/**
 * H.264 whose pictures are fields (ITU-T H.264 7.3.3: `field_pic_flag`), two for each frame, as some cameras send and no
 * encoder at hand writes. Grey frames of 32 × 32, each of another grey, not compressed (7.3.5: `I_PCM`); every third is
 * shown before the one that is decoded before it.
 *
 * @param frames so many, the first of each nine a key frame.
 * @returns a stream with start codes (Annex B).
 */
export function fieldFilm(frames: number): Buffer {
  const units: Buffer[] = [];
  for (let i = 0; i < frames; i++) {
    const inGroup = i % GROUP;
    if (inGroup === 0) units.push(SEQUENCE, PICTURES);
    // Decoded 0 2 1 4 3 …: each second one after the first is shown before the one in front of it.
    const isBetween = inGroup > 0 && inGroup % 2 === 0;
    const isLast = i === frames - 1 || inGroup === GROUP - 1;
    const shown = inGroup === 0 ? 0 : isBetween ? inGroup - 1 : isLast ? inGroup : inGroup + 1;
    const number = inGroup === 0 ? 0 : Math.ceil(inGroup / 2);
    for (const isBottom of [false, true]) {
      units.push(
        field({
          isKey: inGroup === 0,
          isBetween,
          isBottom,
          number,
          shown,
          grey: greyOf(i - inGroup + shown),
        }),
      );
    }
  }
  return Buffer.concat(units.flatMap((unit) => [Buffer.from([0, 0, 0, 1]), unit]));
}

/** How light the frame is that is shown at a place. */
export const greyOf = (place: number): number => 40 + ((place * 7) % 180);

const GROUP = 9;
const [SLICE, KEY_SLICE] = [1, 5];

interface Field {
  readonly isKey: boolean;
  readonly isBetween: boolean;
  readonly isBottom: boolean;
  readonly number: number;
  readonly shown: number;
  readonly grey: number;
}

function field({ isKey, isBetween, isBottom, number, shown, grey }: Field): Buffer {
  const isIdr = isKey && !isBottom;
  const bits = new BitWriter([((isBetween ? 0 : 3) << 5) | (isIdr ? KEY_SLICE : SLICE)]);
  // 7.3.3: first macroblock, I slice, parameter set; frame_num of 4 bits; field, which.
  bits
    .ue(0, 7, 0)
    .u(4, number)
    .u(1, 1)
    .u(1, isBottom ? 1 : 0);
  if (isIdr) bits.ue(0);
  bits.u(8, 2 * shown + (isBottom ? 1 : 0)); // pic_order_cnt_lsb
  // 7.3.3.3: no output of prior pictures, no long term; or sliding window.
  if (isIdr) bits.u(2, 0);
  else if (!isBetween) bits.u(1, 0);
  bits.ue(0).ue(1); // slice_qp_delta, disable_deblocking_filter_idc
  for (let macroblock = 0; macroblock < 2; macroblock++) {
    bits.ue(25).align();
    for (let i = 0; i < 256; i++) bits.u(8, grey);
    for (let i = 0; i < 128; i++) bits.u(8, 128);
  }
  return bits.end();
}

/** Writes a NAL unit. Nothing here has two zeros after each other that would have to be told from a start code. */
class BitWriter {
  readonly #bytes: number[];
  #bits = '';

  constructor(bytes: readonly number[]) {
    this.#bytes = [...bytes];
  }

  u(count: number, value: number): this {
    this.#bits += value.toString(2).padStart(count, '0');
    while (this.#bits.length >= 8) {
      this.#bytes.push(Number.parseInt(this.#bits.slice(0, 8), 2));
      this.#bits = this.#bits.slice(8);
    }
    return this;
  }

  /** 9.1. */
  ue(...values: readonly number[]): this {
    for (const value of values) {
      const bits = (value + 1).toString(2);
      this.u(2 * bits.length - 1, value + 1);
    }
    return this;
  }

  align(): this {
    return this.#bits === '' ? this : this.u(8 - this.#bits.length, 0);
  }

  /** 7.3.2.11. */
  end(): Buffer {
    return Buffer.from(this.u(1, 1).align().#bytes);
  }
}

/** 7.3.2.1.1: Main, level 3; frame_num of 4 bits, order of 8; 2 references, 32 × 32, fields; one frame is held back. */
const SEQUENCE = new BitWriter([0x67, 77, 0, 30])
  .ue(0, 0, 0, 4, 2)
  .u(1, 0)
  .ue(1, 0)
  .u(1, 0) // frame_mbs_only_flag
  .u(1, 0) // mb_adaptive_frame_field_flag
  .u(1, 1) // direct_8x8_inference_flag
  .u(1, 0) // frame_cropping_flag
  .u(1, 1) // vui_parameters_present_flag
  .u(8, 0) // E.1.1: nothing, up to pic_struct_present_flag
  .u(1, 1) // bitstream_restriction_flag
  .u(1, 1)
  .ue(0, 0, 16, 16, 1, 2)
  .end();

/** 7.3.2.2. */
const PICTURES = new BitWriter([0x68]).ue(0, 0).u(2, 0).ue(0, 0, 0).u(3, 0).ue(0, 0, 0).u(3, 0b100).end();
