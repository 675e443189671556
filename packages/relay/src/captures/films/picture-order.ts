// ITU-T H.264: in which order pictures are shown, which is another than the one in which they are decoded.
import { BitReader, parseSps, rbspOf, type Sps } from '@perch/mpegts';

/** Of a slice, so much is looked at: all that comes before what is asked for. */
const HEADER_BYTES = 32;
const KEY_SLICE = 5;
/** 8.2.1: numbers in the slices tell the order, or it is that in which they are decoded. */
const [NUMBERED, AS_DECODED] = [0, 2];

/** Reads, picture by picture as they are decoded, when each is shown. */
export class PictureOrder {
  /** There were fields that are pictures of their own. */
  hasFields = false;
  #sequence: Sps | undefined;
  /** 8.2.1.1: of the last picture that others refer to. */
  #before = { high: 0, low: 0 };

  /** Takes a sequence parameter set in. @param unit without its length. */
  learn(unit: Buffer): void {
    const sequence = parseSps(unit);
    this.#sequence = sequence && isUsable(sequence) ? sequence : undefined;
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
    const bits = new BitReader(rbspOf(slice.subarray(0, HEADER_BYTES)));
    for (const _field of ['first_mb_in_slice', 'slice_type', 'pic_parameter_set_id']) bits.unsigned();
    if (sequence.separatePlanes) bits.skip(2); // colour_plane_id
    bits.skip(sequence.frameNumberBits);
    if (!sequence.progressive && bits.flag()) {
      this.hasFields = true;
      return undefined;
    }
    if (isKey) bits.unsigned(); // idr_pic_id
    if (sequence.orderType === AS_DECODED) return this.#counted(isKey);
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

/** 7.4.2.1.1: no number has more bits. */
const isUsable = ({ orderType, orderBits, frameNumberBits }: Sps): boolean =>
  (orderType === NUMBERED || orderType === AS_DECODED) && orderBits <= 16 && frameNumberBits <= 16;
