/** Boxes of ISO/IEC 14496-12 in memory. */
export interface Box {
  readonly type: string;
  /** What is in it: a view, so that writing to it changes the file's bytes. */
  readonly body: Buffer;
}

const MOST_BOXES = 64;

/** 4.2: size and type of each box. One that says to be larger than what it is in ends there. */
export function boxesOf(bytes: Buffer): Box[] {
  const boxes: Box[] = [];
  for (let at = 0; at + 8 <= bytes.byteLength && boxes.length < MOST_BOXES; ) {
    const size = bytes.readUInt32BE(at);
    if (size < 8) break;
    boxes.push({ type: bytes.toString('latin1', at + 4, at + 8), body: bytes.subarray(at + 8, at + size) });
    at += size;
  }
  return boxes;
}

/** The first box of a type, or nothing in its place. @param path from the outside to the inside. */
export function inside(bytes: Buffer, ...path: readonly string[]): Buffer {
  return path.reduce((body, type) => boxesOf(body).find((box) => box.type === type)?.body ?? NONE, bytes);
}

const NONE = Buffer.alloc(0);
