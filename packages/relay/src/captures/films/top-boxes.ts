import type { FileHandle } from 'node:fs/promises';

/** A box of a file. Offsets in bytes from its beginning. */
export interface TopBox {
  readonly type: string;
  readonly at: number;
  /** Where what is in it begins, and where the box ends: perhaps beyond the end of a file that was cut. */
  readonly body: number;
  readonly end: number;
}

/** A film of five minutes whose pictures are all key frames has two for each. */
const MOST_BOXES = 100_000;

/** The boxes of a file, one after the other, without what is in them (ISO/IEC 14496-12 4.2). Ends at what is no box. */
export async function* topBoxes(file: FileHandle): AsyncGenerator<TopBox, void, undefined> {
  const { size } = await file.stat();
  const header = Buffer.alloc(16);
  for (let at = 0, boxes = 0; at + 8 <= size && boxes < MOST_BOXES; boxes++) {
    const { bytesRead } = await file.read(header, 0, 16, at);
    if (bytesRead < 8) return;
    const short = header.readUInt32BE(0);
    // 1: 64 bits follow the type. 0: it goes on to the end of the file.
    if (short === 1 && bytesRead < 16) return;
    const bytes = short === 1 ? Number(header.readBigUInt64BE(8)) : short === 0 ? size - at : short;
    const head = short === 1 ? 16 : 8;
    const type = header.toString('latin1', 4, 8);
    if (bytes < head || !/^[\w -~]{4}$/.test(type)) return;
    yield { type, at, body: at + head, end: at + bytes };
    at += bytes;
  }
}
