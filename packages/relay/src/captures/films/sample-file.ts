import { type FileHandle, open } from 'node:fs/promises';
import { FilmError, STOPPED } from './errors.ts';

/** So much is read and written at a time. */
const TURN_BYTES = 1024 * 1024;

/** Reads a track's samples one after the other, many of them at a time. */
export class SampleReader implements AsyncDisposable {
  readonly #file: FileHandle;
  #buffer: Buffer = NONE;
  #at = 0;
  #length = 0;

  static async open(path: string): Promise<SampleReader> {
    return new SampleReader(await open(path).catch(ours));
  }

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  /** @returns a view, good until the next call. @throws {FilmError} */
  async read({ at, bytes }: { readonly at: number; readonly bytes: number }): Promise<Buffer> {
    if (at < this.#at || at + bytes > this.#at + this.#length) {
      const wanted = Math.max(bytes, TURN_BYTES);
      if (this.#buffer.byteLength < wanted) this.#buffer = Buffer.allocUnsafe(wanted);
      const { bytesRead } = await this.#file.read(this.#buffer, 0, wanted, at).catch(ours);
      if (bytesRead < bytes) throw new FilmError('media', 'its file has become shorter');
      this.#at = at;
      this.#length = bytesRead;
    }
    return this.#buffer.subarray(at - this.#at, at - this.#at + bytes);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#file.close();
  }
}

/** Writes a file from its beginning to its end, much at a time. */
export class SampleWriter implements AsyncDisposable {
  readonly #file: FileHandle;
  readonly #signal: AbortSignal | undefined;
  readonly #buffer = Buffer.allocUnsafe(TURN_BYTES);
  #length = 0;

  /** @param signal ends the writing. @throws {FilmError} */
  static async open(path: string, signal?: AbortSignal): Promise<SampleWriter> {
    return new SampleWriter(await open(path, 'w', 0o600).catch(ours), signal);
  }

  private constructor(file: FileHandle, signal: AbortSignal | undefined) {
    this.#file = file;
    this.#signal = signal;
  }

  /** @param bytes are the caller's again when it resolves. @throws {FilmError} */
  async write(bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.byteLength; ) {
      const copied = bytes.copy(this.#buffer, this.#length, at);
      this.#length += copied;
      at += copied;
      if (this.#length === TURN_BYTES) await this.flush();
    }
  }

  /** All that was written is in the file when it resolves. @throws {FilmError} */
  async flush(): Promise<void> {
    if (this.#signal?.aborted) throw STOPPED;
    const bytes = this.#buffer.subarray(0, this.#length);
    this.#length = 0;
    await this.#file.writeFile(bytes).catch(ours);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#file.close();
  }
}

/** What is wrong with this machine, and with no film. */
const PASSING = ['ENOSPC', 'EDQUOT', 'ENOMEM', 'EMFILE', 'ENFILE', 'EAGAIN'];

/** The system's message has a path of this machine in it, which nobody else is to know. */
function ours(cause: NodeJS.ErrnoException): never {
  const isPassing = PASSING.includes(cause.code ?? '');
  throw new FilmError(isPassing ? 'busy' : 'media', `${isPassing ? 'not now' : 'its file'}: ${cause.code}`, {
    cause,
  });
}

const NONE = Buffer.alloc(0);
