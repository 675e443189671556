import { type FileHandle, open } from 'node:fs/promises';
import { boxesOf, inside } from './boxes.ts';
import { topBoxes } from './top-boxes.ts';

/** ISO/IEC 14496-12 8.3.2 (tkhd): the matrix comes before width and height, the last two fields. */
const MATRIX_BYTES = 36;
const AFTER_MATRIX_BYTES = 8;

/** Turns the pictures of an MP4 as they are turned in another: transport streams, by way of which films go, cannot say it. */
export async function turnLike(path: string, other: string): Promise<void> {
  const matrix = await usingMatrix(other, 'r', (found) => Buffer.from(found));
  if (!matrix) return;
  await usingMatrix(path, 'r+', async (found, at, file) => {
    if (!found.equals(matrix)) await file.write(matrix, 0, MATRIX_BYTES, at);
  });
}

/** The matrix of the track with pictures, and where in the file it is. */
async function usingMatrix<T>(
  path: string,
  mode: 'r' | 'r+',
  use: (matrix: Buffer, at: number, file: FileHandle) => T | Promise<T>,
): Promise<T | undefined> {
  const file = await open(path, mode);
  try {
    for await (const { type, body, end } of topBoxes(file)) {
      if (type !== 'moov') continue;
      const moov = Buffer.alloc(end - body);
      await file.read(moov, 0, moov.byteLength, body);
      const track = boxesOf(moov).find((box) => box.type === 'trak' && isPicture(box.body));
      const header = track && inside(track.body, 'tkhd');
      if (!header || header.byteLength < MATRIX_BYTES + AFTER_MATRIX_BYTES) return undefined;
      const matrix = header.subarray(-MATRIX_BYTES - AFTER_MATRIX_BYTES, -AFTER_MATRIX_BYTES);
      // A view into `moov`: its offset there is its offset in the file.
      return await use(matrix, body + (matrix.byteOffset - moov.byteOffset), file);
    }
    return undefined;
  } finally {
    await file.close();
  }
}

const isPicture = (track: Buffer): boolean =>
  inside(track, 'mdia', 'hdlr').toString('latin1', 8, 12) === 'vide';
