import { type FileHandle, open } from 'node:fs/promises';
import type { PictureSetup } from './picture-setup.ts';
import { topBoxes } from './top-boxes.ts';

const START_CODE = Buffer.from([0, 0, 0, 1]);
/** A picture may be larger than any that the sister has; beyond this it is something else. */
const LARGER = 4;
const MOST_PICTURE_BYTES = 8 * 1024 * 1024;

/**
 * Takes the pictures out of an MP4 whose table of contents was never written, because its camera died first. What they
 * need was the same in a sister: its parameter sets. In `mdat` each NAL unit follows its length (ISO/IEC 14496-15 5.3.4);
 * sound lies between, without anything that says where: it is passed over.
 *
 * @param target gets them as a stream with start codes (ITU-T H.264 Annex B), from the first key frame on.
 * @returns how many slices there are.
 */
export async function mend(path: string, setup: PictureSetup, target: string): Promise<number> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    for await (const { type, body, end } of topBoxes(file)) {
      if (type === 'moov' || type === 'moof') return 0;
      if (type === 'mdat') {
        const most = Math.min(setup.largest * LARGER, MOST_PICTURE_BYTES);
        return await takeOut(
          new Window(file, { start: body, end: Math.min(end, size), most }),
          setup,
          target,
        );
      }
    }
    return 0;
  } finally {
    await file.close();
  }
}

async function takeOut(from: Window, setup: PictureSetup, target: string): Promise<number> {
  const to = await open(target, 'w', 0o600);
  try {
    for (const set of setup.parameterSets) await to.write(Buffer.concat([START_CODE, set]));
    let slices = 0;
    let isInPicture = false;
    let hasKey = false;
    for (let at = from.start; at < from.end; ) {
      await from.show(at);
      const unit = unitAt(from, at, isInPicture);
      // What is no slice counts only with another unit right behind it.
      if (!unit || !(unit.isSlice || unitAt(from, unit.end, false))) {
        at++;
        isInPicture = false;
        continue;
      }
      hasKey ||= unit.isKey;
      if (hasKey) {
        await to.write(Buffer.concat([START_CODE, from.bytes(at + 4, unit.end - at - 4) ?? Buffer.alloc(0)]));
        if (unit.isSlice) slices++;
      }
      isInPicture = unit.isSlice;
      at = unit.end;
    }
    return slices;
  } finally {
    await to.close();
  }
}

interface Unit {
  readonly end: number;
  readonly isSlice: boolean;
  readonly isKey: boolean;
}

/** ITU-T H.264 7.3.1, table 7-1: which NAL units there are in a film, and whether `nal_ref_idc` may be 0. */
const SLICE = 1;
const KEY_SLICE = 5;
const usual: Readonly<Record<number, (reference: number) => boolean>> = {
  [SLICE]: () => true,
  [KEY_SLICE]: (reference) => reference > 0,
  6: (reference) => reference === 0,
  7: (reference) => reference > 0,
  8: (reference) => reference > 0,
  9: (reference) => reference === 0,
};

/** The NAL unit whose length is there; `undefined` where there is none. */
function unitAt(from: Window, at: number, isInPicture: boolean): Unit | undefined {
  const head = from.bytes(at, 8);
  if (!head) return undefined;
  const length = head.readUInt32BE(0);
  const end = at + 4 + length;
  if (length < 2 || length > from.most || end > from.end) return undefined;
  const header = head.readUInt8(4);
  const type = header & 0x1f;
  if (header >= 0x80 || !usual[type]?.(header >> 5)) return undefined;
  const isSlice = type === SLICE || type === KEY_SLICE;
  // 7.3.3: `first_mb_in_slice`, then `slice_type` up to 9. A picture begins with macroblock 0.
  if (isSlice) {
    const [first, kind] = golombs(head.readUIntBE(5, 3));
    if (kind === undefined || kind > 9 || (first !== 0 && !isInPicture)) return undefined;
  }
  return { end, isSlice, isKey: type === KEY_SLICE };
}

/** 9.1: the first two Exp-Golomb codes of 24 bits, as far as they are there. */
function golombs(bits: number): number[] {
  const text = bits.toString(2).padStart(24, '0');
  const codes: number[] = [];
  for (let at = 0; codes.length < 2; ) {
    const zeros = text.indexOf('1', at) - at;
    if (zeros < 0 || at + 2 * zeros + 1 > text.length) break;
    codes.push(Number.parseInt(text.slice(at + zeros, at + 2 * zeros + 1), 2) - 1);
    at += 2 * zeros + 1;
  }
  return codes;
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
    this.#buffer = Buffer.alloc(2 * (most + 1024 * 1024));
  }

  /** Has in memory what is there, and so much after it as a unit and the next one's head may have. */
  async show(at: number): Promise<void> {
    const wanted = Math.min(this.end, at + this.most + 64);
    if (at >= this.#at && wanted <= this.#at + this.#length) return;
    const { bytesRead } = await this.#file.read(
      this.#buffer,
      0,
      Math.min(this.#buffer.length, this.end - at),
      at,
    );
    this.#at = at;
    this.#length = bytesRead;
  }

  /** Good until the next {@link show}; `undefined` where there are not so many. */
  bytes(at: number, count: number): Buffer | undefined {
    const first = at - this.#at;
    return first >= 0 && first + count <= this.#length
      ? this.#buffer.subarray(first, first + count)
      : undefined;
  }
}
