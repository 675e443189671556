import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, rm, stat, statfs } from 'node:fs/promises';

/** An open file. Whoever opened it closes it. */
export interface OpenFile {
  /** Bytes that it has. */
  size(): Promise<number>;
  /** Bytes read into `into` from `position` on; 0 at the end. */
  read(into: Uint8Array, position: number): Promise<number>;
  /** Writes all of these, one after the other, from `position` on. */
  write(parts: readonly Uint8Array[], position: number): Promise<void>;
  truncate(size: number): Promise<void>;
  /** Resolves when all that was written is on the disk. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/**
 * The disk, as far as films need it; a test puts one in its place that loses what was not synced. What fails throws the
 * system's error, with its `code`.
 */
export interface Files {
  /** Makes it and what it lies in. @returns the first that had to be made. */
  makeDirectory(path: string): Promise<string | undefined>;
  /** For reading and writing; made if need be. Never follows a symbolic link. */
  open(path: string): Promise<OpenFile>;
  rename(from: string, to: string): Promise<void>;
  /** A file, or a directory with all in it. What is not there is not removed. */
  remove(path: string): Promise<void>;
  /** Bytes, and when last written in ms since 1970; `undefined` where there is none. */
  facts(path: string): Promise<{ readonly size: number; readonly modified: number } | undefined>;
  /** The names in a directory. */
  list(path: string): Promise<string[]>;
  /** Resolves when the directory's names are on the disk. */
  syncDirectory(path: string): Promise<void>;
  /** Bytes that may still be written to the disk on which the path lies. */
  free(path: string): Promise<number>;
}

/** The real disk. */
export const disk: Files = {
  makeDirectory: (path) => mkdir(path, { recursive: true, mode: 0o700 }),
  open: async (path) =>
    new DiskFile(await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600)),
  rename,
  remove: (path) => rm(path, { recursive: true, force: true }),
  async facts(path) {
    try {
      const { size, mtimeMs } = await stat(path);
      return { size, modified: Math.floor(mtimeMs) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  },
  list: (path) => readdir(path),
  async syncDirectory(path) {
    const directory = await open(path, constants.O_RDONLY);
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  },
  async free(path) {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  },
};

class DiskFile implements OpenFile {
  readonly #handle: FileHandle;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async size(): Promise<number> {
    return (await this.#handle.stat()).size;
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    return (await this.#handle.read(into, 0, into.byteLength, position)).bytesRead;
  }

  async write(parts: readonly Uint8Array[], position: number): Promise<void> {
    const wanted = parts.reduce((sum, part) => sum + part.byteLength, 0);
    const { bytesWritten } = await this.#handle.writev([...parts], position);
    if (bytesWritten < wanted) await this.write(rest(parts, bytesWritten), position + bytesWritten);
  }

  truncate(size: number): Promise<void> {
    return this.#handle.truncate(size);
  }

  sync(): Promise<void> {
    return this.#handle.sync();
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

/** What of the parts is left when so many bytes of them are written. */
function rest(parts: readonly Uint8Array[], written: number): Uint8Array[] {
  const left: Uint8Array[] = [];
  let passed = written;
  for (const part of parts) {
    if (passed < part.byteLength) left.push(part.subarray(passed));
    passed = Math.max(0, passed - part.byteLength);
  }
  return left;
}
