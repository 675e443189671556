import { type FileHandle, open } from 'node:fs/promises';
import { BitReader } from '@perch/mpegts';
import type { Track } from './movie.ts';
import { PictureOrder } from './picture-order.ts';
import type { PictureSetup } from './picture-setup.ts';
import type { PictureCoding } from './sample-entry.ts';
import { MOST_SAMPLES, type Sample } from './samples.ts';
import { topBoxes } from './top-boxes.ts';

/** A picture may be larger than any that the sister has; beyond this it is something else. */
const LARGER = 4;
const MOST_PICTURE_BYTES = 8 * 1024 * 1024;
/** So much of a film may be sound; with more of what is no picture it is no film of this camera's. */
const MOST_SOUND = 0.5;
/** So much is looked through at a time. */
const TURN_BYTES = 256 * 1024;

/** Whether a file is an MP4 whose table of contents was never written. */
export async function isUnfinished(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    let hasContent = false;
    for await (const { type } of topBoxes(file)) {
      if (type === 'moov' || type === 'moof') return false;
      hasContent ||= type === 'mdat';
    }
    return hasContent;
  } finally {
    await file.close();
  }
}

/** What was found in an MP4 without a table of contents. */
export interface Found {
  /** From the first key frame on, at the sister's rate. */
  readonly video: Track<PictureCoding>;
  /** Whether it is known when they are shown: if not, the times that are said are wrong. */
  readonly isTold: boolean;
  /** Some are fields, of which two make a picture to be shown. */
  readonly hasFields: boolean;
}

/**
 * Finds the pictures in an MP4 whose table of contents was never written, because its camera died first. What they
 * need was the same in a sister: its parameter sets. In `mdat` each NAL unit follows its length (ISO/IEC 14496-15 5.3.4);
 * sound lies between, without anything that says where: it is passed over.
 *
 * @param like the pictures of the sister: H.264.
 * @returns `undefined` where there are none.
 */
export async function mend(path: string, like: PictureSetup): Promise<Found | undefined> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    for await (const { type, body, end } of topBoxes(file)) {
      if (type === 'moov' || type === 'moof') return undefined;
      if (type !== 'mdat') continue;
      const most = Math.min(like.largest * LARGER, MOST_PICTURE_BYTES);
      const window = new Window(file, { start: body, end: Math.min(end, size), most });
      const pictures = await picturesIn(window, like.coding.parameterSets);
      if (!pictures) return undefined;
      const { whole, areTold: isTold, hasFields } = pictures;
      const { coding, scale, entry, look } = like;
      const video = { path, coding, scale, entry, look, ...timed(whole, like.ticks) };
      return { video, isTold, hasFields };
    }
    return undefined;
  } finally {
    await file.close();
  }
}

/** At the same pace all along, each group of pictures in its order. */
function timed(
  pictures: readonly Picture[],
  ticks: number,
): { readonly samples: Sample[]; readonly end: number } {
  const places = new Map<Picture, number>();
  let group: Picture[] = [];
  const close = () => {
    for (const picture of group.toSorted((a, b) => a.order - b.order)) places.set(picture, places.size);
    group = [];
  };
  for (const picture of pictures) {
    if (picture.isKey) close();
    group.push(picture);
  }
  close();
  const samples = pictures.map((picture, i): Sample => {
    const { at, bytes, isKey } = picture;
    return { at, bytes, isKey, decoded: i * ticks, shown: (places.get(picture) ?? i) * ticks };
  });
  return { samples, end: samples.length * ticks };
}

/** @returns `undefined` where there are none. */
async function picturesIn(from: Window, parameterSets: readonly Buffer[]): Promise<Pictures | undefined> {
  const pictures = new Pictures(parameterSets);
  let passedOver = 0;
  let isInPicture = false;
  for (let at = from.start; at < from.end; ) {
    await from.show(at);
    for (const until = Math.min(from.end, at + TURN_BYTES); at < until; ) {
      const unit = unitAt(from, at, isInPicture);
      // What is no slice counts only with another unit right behind it.
      if (!unit || !(unit.isSlice || unitAt(from, unit.end, false))) {
        at++;
        passedOver++;
        isInPicture = false;
        continue;
      }
      pictures.add(unit, at);
      isInPicture = unit.isSlice;
      at = unit.end;
    }
    if (passedOver > MOST_SOUND * (from.end - from.start) + TURN_BYTES) return undefined;
    if (pictures.whole.length > MOST_SAMPLES) return undefined;
    // Live pictures get their turn.
    await new Promise((resolve) => setImmediate(resolve));
  }
  pictures.end();
  return pictures.whole.length > 0 ? pictures : undefined;
}

/** A picture in the file. */
interface Picture {
  readonly at: number;
  bytes: number;
  isKey: boolean;
  /** When it is shown, in comparison with others up to the next key frame. */
  order: number;
  slices: number;
}

/** Units put together to pictures, from the first key frame on. One that lacks slices at the end of the file is none. */
class Pictures {
  readonly whole: Picture[] = [];
  /** Whether of all that were found it is known when they are shown. */
  areTold = true;
  readonly #order = new PictureOrder();
  #open: Picture | undefined;

  constructor(parameterSets: readonly Buffer[]) {
    for (const set of parameterSets) this.#learn(set);
  }

  get hasFields(): boolean {
    return this.#order.hasFields;
  }

  add({ bytes, end, isSlice, isFirst, isKey }: Unit, at: number): void {
    const isNext = this.#open && this.#open.slices > 0 && (!isSlice || isFirst);
    if (isNext || (this.#open && at !== this.#open.at + this.#open.bytes)) this.#close();
    this.#open ??= { at, bytes: 0, isKey: false, order: 0, slices: 0 };
    const picture = this.#open;
    picture.bytes = end - picture.at;
    if (!isSlice) this.#learn(bytes);
    else if (picture.slices++ === 0) {
      picture.isKey = isKey;
      const order = this.#order.next(bytes);
      if (order === undefined) this.areTold = false;
      else picture.order = order;
    }
  }

  /** Nothing more comes: the last one counts, if it has as many slices as the one before. */
  end(): void {
    if (this.#open && this.#open.slices >= (this.whole.at(-1)?.slices ?? 0)) this.#close();
  }

  #close(): void {
    const picture = this.#open;
    this.#open = undefined;
    if (picture && picture.slices > 0 && (picture.isKey || this.whole.length > 0)) this.whole.push(picture);
  }

  #learn(unit: Buffer): void {
    if ((unit.readUInt8(0) & 0x1f) === SEQUENCE) this.#order.learn(unit);
  }
}

interface Unit {
  /** Without its length. */
  readonly bytes: Buffer;
  readonly end: number;
  readonly isSlice: boolean;
  /** The slice with which a picture begins. */
  readonly isFirst: boolean;
  readonly isKey: boolean;
}

/** ITU-T H.264 7.3.1, table 7-1: which NAL units there are in a film, and whether `nal_ref_idc` may be 0. */
const SLICE = 1;
const KEY_SLICE = 5;
const SEQUENCE = 7;
const usual: Readonly<Record<number, (reference: number) => boolean>> = {
  [SLICE]: () => true,
  [KEY_SLICE]: (reference) => reference > 0,
  6: (reference) => reference === 0,
  [SEQUENCE]: (reference) => reference > 0,
  8: (reference) => reference > 0,
  9: (reference) => reference === 0,
};

/** The NAL unit whose length is there; `undefined` where there is none. */
function unitAt(from: Window, at: number, isInPicture: boolean): Unit | undefined {
  const length = from.uint32(at);
  if (length === undefined || length < 4 || length > from.most) return undefined;
  const end = at + 4 + length;
  const bytes = from.bytes(at + 4, length);
  if (!bytes) return undefined;
  const header = bytes.readUInt8(0);
  const type = header & 0x1f;
  if (header >= 0x80 || !usual[type]?.(header >> 5)) return undefined;
  const isSlice = type === SLICE || type === KEY_SLICE;
  // 7.3.3: `first_mb_in_slice`, then `slice_type` up to 9. A picture begins with macroblock 0.
  let isFirst = false;
  if (isSlice) {
    const bits = new BitReader(bytes.subarray(1, 4));
    const [first, kind] = [bits.unsigned(), bits.unsigned()];
    if (bits.overrun || kind > 9 || (first !== 0 && !isInPicture)) return undefined;
    isFirst = first === 0;
  }
  return { bytes, end, isSlice, isFirst, isKey: type === KEY_SLICE };
}

/** A range of a file, of which as much is in memory as the next two units may have. */
class Window {
  readonly start: number;
  readonly end: number;
  /** Most bytes of a unit. */
  readonly most: number;
  readonly #file: FileHandle;
  readonly #buffer: Buffer;
  #at = 0;
  #length = 0;

  constructor(file: FileHandle, { start, end, most }: Pick<Window, 'start' | 'end' | 'most'>) {
    this.#file = file;
    this.start = start;
    this.end = end;
    this.most = most;
    this.#buffer = Buffer.alloc(2 * (most + 2 * TURN_BYTES));
  }

  /** Has in memory what is there, and so much after it as a turn and the units that begin in it may have. */
  async show(at: number): Promise<void> {
    const wanted = Math.min(this.end, at + TURN_BYTES + 2 * this.most);
    if (at >= this.#at && wanted <= this.#at + this.#length) return;
    const most = Math.min(this.#buffer.length, this.end - at);
    const { bytesRead } = await this.#file.read(this.#buffer, 0, most, at);
    this.#at = at;
    this.#length = bytesRead;
  }

  /** `undefined` where there is none. */
  uint32(at: number): number | undefined {
    const first = at - this.#at;
    return first >= 0 && first + 4 <= this.#length ? this.#buffer.readUInt32BE(first) : undefined;
  }

  /** Good until the next {@link show}; `undefined` where there are not so many. */
  bytes(at: number, count: number): Buffer | undefined {
    const first = at - this.#at;
    return first >= 0 && first + count <= this.#length
      ? this.#buffer.subarray(first, first + count)
      : undefined;
  }
}
