import { constants } from 'node:fs';
import { type FileHandle, link, mkdir, open, opendir, rename, unlink } from 'node:fs/promises';

/** What is known about an open file. */
export interface FileFacts {
  readonly isFile: boolean;
  /** Bytes. */
  readonly size: number;
  /** When it was last written, in whole ms since 1970. */
  readonly modified: number;
}

/** An open file. Whoever opened it closes it. */
export interface OpenFile {
  /** Bytes read into `into` from `position` on; 0 at the end. */
  read(into: Uint8Array, position: number): Promise<number>;
  /** Writes all of `bytes` at `position`. */
  write(bytes: Uint8Array, position: number): Promise<void>;
  truncate(size: number): Promise<void>;
  /** Resolves when all that was written is on the disk. */
  sync(): Promise<void>;
  facts(): Promise<FileFacts>;
  close(): Promise<void>;
}

/**
 * The disk, as far as the spool needs it; a test puts one in its place that loses what was not synced. What fails throws
 * the system's error, with its `code`.
 */
export interface Files {
  makeDirectory(path: string): Promise<void>;
  /** An existing file, for reading. Never waits for a pipe's other end, never follows a symbolic link. */
  read(path: string): Promise<OpenFile>;
  /** For reading and writing; made if need be. `isNew`: it must not exist. */
  write(path: string, options?: { readonly isNew?: boolean }): Promise<OpenFile>;
  link(from: string, to: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** The names in a directory, in no order. */
  list(path: string): AsyncIterable<string>;
  /** Resolves when the directory's names are on the disk. */
  syncDirectory(path: string): Promise<void>;
}

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK, O_RDWR, O_CREAT, O_EXCL } = constants;

/** The real disk. */
export const disk: Files = {
  async makeDirectory(path) {
    await mkdir(path, { recursive: true, mode: 0o700 });
  },
  read: async (path) => new DiskFile(await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)),
  write: async (path, { isNew = false } = {}) =>
    new DiskFile(await open(path, O_RDWR | O_CREAT | O_NOFOLLOW | (isNew ? O_EXCL : 0), 0o600)),
  link,
  rename,
  remove: unlink,
  async *list(path) {
    for await (const entry of await opendir(path, { bufferSize: 1_024 })) yield entry.name;
  },
  async syncDirectory(path) {
    const directory = await open(path, O_RDONLY);
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  },
};

class DiskFile implements OpenFile {
  readonly #handle: FileHandle;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    return (await this.#handle.read(into, 0, into.byteLength, position)).bytesRead;
  }

  async write(bytes: Uint8Array, position: number): Promise<void> {
    for (let at = 0; at < bytes.byteLength; ) {
      at += (await this.#handle.write(bytes, at, bytes.byteLength - at, position + at)).bytesWritten;
    }
  }

  truncate(size: number): Promise<void> {
    return this.#handle.truncate(size);
  }

  sync(): Promise<void> {
    return this.#handle.sync();
  }

  async facts(): Promise<FileFacts> {
    const stats = await this.#handle.stat();
    return { isFile: stats.isFile(), size: stats.size, modified: Math.floor(stats.mtimeMs) };
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}
