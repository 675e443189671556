import { readFile } from 'node:fs/promises';
import { replaceFile } from '../replace-file.ts';

/** How far a list of files was read. */
export interface ListPosition {
  readonly inode: number;
  /** Bytes. */
  readonly offset: number;
  /** Of the spool, `Spool.mark`: all that was taken after it is named behind `offset`, or by nobody's list. */
  readonly mark?: number;
}

/** What was written last; `undefined` where nothing was, or it is damaged: then the list is read from its beginning. */
export async function readListPosition(path: string): Promise<ListPosition | undefined> {
  try {
    const { inode, offset, mark } = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
    if (typeof inode === 'number' && typeof offset === 'number')
      return { inode, offset, ...(typeof mark === 'number' && { mark }) };
  } catch {
    // There is none, or it is damaged.
  }
  return undefined;
}

/** Resolves when it is on the disk. @throws the system's error. */
export const writeListPosition = (path: string, position: ListPosition): Promise<void> =>
  replaceFile(path, JSON.stringify(position));
