import { createHash, type Hash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Files, OpenFile } from './files.ts';
import type { StoredFile } from './place.ts';

const READ_BYTES = 256 * 1024;
/** So much is hashed at once: a sixth of a millisecond, or two where the processor has no instructions for it. */
const TURN_BYTES = 256 * 1024;

/** What bytes turned out to be. */
export interface Arrived {
  readonly size: number;
  readonly sha256: string;
}

export interface ArrivingOptions {
  readonly path: string;
  readonly files: Files;
  /** Gives the bytes their name in the library. */
  readonly place: (file: StoredFile) => Promise<void>;
}

/** A segment on its way in. What came before a cut is there again when it is offered again. Whoever opened it closes it. */
export class Arriving {
  readonly #options: ArrivingOptions;
  readonly #file: OpenFile;
  #hash: Hash;
  #size: number;
  #isClosed = false;

  private constructor(options: ArrivingOptions, file: OpenFile, hash: Hash, size: number) {
    this.#options = options;
    this.#file = file;
    this.#hash = hash;
    this.#size = size;
  }

  static async open(options: ArrivingOptions): Promise<Arriving> {
    const file = await options.files.open(options.path);
    try {
      const hash = await readHash(file);
      return new Arriving(options, file, hash, await file.size());
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Bytes that are here. They survive the end of the program, not yet that of the power. */
  get size(): number {
    return this.#size;
  }

  /** Resolves when they are written. One call at a time; the bytes must not change meanwhile. */
  async append(parts: readonly Uint8Array[]): Promise<void> {
    await Promise.all([this.#file.write(parts, this.#size), hashInTurns(this.#hash, parts)]);
    for (const part of parts) this.#size += part.byteLength;
  }

  /** Throws away what came. */
  async restart(): Promise<void> {
    await this.#file.truncate(0);
    this.#hash = createHash('sha256');
    this.#size = 0;
  }

  /** What has come so far. */
  get contents(): Arrived {
    return { size: this.#size, sha256: this.#hash.copy().digest('hex') };
  }

  /** Puts it in its place: when this resolves, file and directory are on the disk. Closes it. */
  async finish(file: Omit<StoredFile, 'sha256'>): Promise<Arrived> {
    const { contents } = this;
    await this.#file.sync();
    await this.close();
    await this.#options.place({ ...file, sha256: contents.sha256 });
    return contents;
  }

  /** Throws it away, for good. */
  async discard(): Promise<void> {
    await this.close();
    await this.#options.files.remove(this.#options.path);
  }

  /** Keeps what came, for the next time. Idempotent. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#file.close();
  }
}

/** Adds bytes to a hash, a little in each turn of the event loop, which live viewers share. */
async function hashInTurns(hash: Hash, parts: readonly Uint8Array[]): Promise<void> {
  for (const part of parts) {
    for (let at = 0; at < part.byteLength; at += TURN_BYTES) {
      hash.update(part.subarray(at, at + TURN_BYTES));
      await nextTurn();
    }
  }
}

/** The hash of all that a file has. */
export async function readHash(file: OpenFile): Promise<Hash> {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(READ_BYTES);
  for (let at = 0; ; ) {
    const read = await file.read(buffer, at);
    if (read === 0) return hash;
    hash.update(buffer.subarray(0, read));
    at += read;
  }
}
