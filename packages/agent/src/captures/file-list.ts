import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { Socket } from 'node:net';
import { resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { type Logger, millis, type Timer } from '@perch/runtime';
import { AgentError } from '../errors.ts';
import { Film, type FilmOptions } from './film.ts';
import { type ListPosition, writeListPosition } from './list-position.ts';

/** A list of files that a motion detector writes, one path a line (`--motion_file_list`). */
export interface FileListOptions extends FilmOptions {
  /** A file, a named pipe, or `-` for `stdin`. */
  readonly list: string;
  readonly stdin: Readable;
  /** Where it is kept how far a file was read, so that a restart takes nothing twice. */
  readonly positionFile: string;
  /** What is kept there from an earlier run. The spool was opened with its mark. */
  readonly position?: ListPosition;
  /** While the camera is disarmed what the list says is passed over. */
  readonly isDisarmed: () => boolean;
}

/** A file is looked at this often. */
const LOOK = millis(1_000);
/** A film to which nothing was added for this long is over: a list has no connection that would close. */
const IDLE = millis(60_000);
const LINE_BYTES = 64 * 1024;
const READ_BYTES = 64 * 1024;
const NEWLINE = 0x0a;

/**
 * Takes films from a list of files. Files named `<pir|cap>.<second>.<number>.…` are put together by their second; each
 * other file is a film of its own. A pipe may be written by one program after the other; a file is followed as it grows,
 * from where the last run stopped.
 */
export class FileList implements AsyncDisposable {
  readonly #options: FileListOptions;
  readonly #film: Film;
  readonly #logger: Logger;
  #rest = Buffer.alloc(0);
  #idle: Timer | undefined;
  #stream: Readable | undefined;
  #follower: Follower | undefined;

  private constructor(options: FileListOptions) {
    this.#options = options;
    this.#logger = options.logger;
    this.#film = new Film({ ...options, isList: true });
  }

  /** @throws {AgentError} `bad-setting` where there is no such list. */
  static async open(options: FileListOptions): Promise<FileList> {
    const list = new FileList(options);
    await list.#begin();
    return list;
  }

  /** Stops reading. Resolves when what was read is in the spool. Idempotent. */
  async close(): Promise<void> {
    this.#idle?.cancel();
    // Standard input is not ours to destroy.
    if (this.#options.list === '-') this.#stream?.pause();
    else this.#stream?.destroy();
    await this.#follower?.close();
    await this.#film.end();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #begin(): Promise<void> {
    const { list, stdin } = this.#options;
    if (list === '-') {
      this.#read(stdin);
      return;
    }
    const { O_RDWR, O_RDONLY, O_NONBLOCK } = constants;
    let handle: FileHandle | undefined;
    try {
      handle = await open(list, O_RDONLY | O_NONBLOCK);
      const stats = await handle.stat();
      if (stats.isFile()) {
        this.#follower = await Follower.start({ ...this.#options, handle, stats, take: this.#take });
        return;
      }
      await handle.close();
      if (!stats.isFIFO()) throw new Error('it is neither a file nor a named pipe');
      // With a writer of its own the pipe never ends, whoever writes to it and goes.
      handle = await open(list, O_RDWR | O_NONBLOCK);
    } catch (cause) {
      await handle?.close();
      const words = (cause as Error).message;
      throw new AgentError('bad-setting', `--motion_file_list ${list} cannot be read: ${words}`, { cause });
    }
    const socket = new Socket({ fd: handle.fd, readable: true, writable: false });
    // Both would close it; the socket does.
    socket.once('close', () => void handle.close().catch(() => undefined));
    this.#read(socket);
  }

  #read(stream: Readable): void {
    this.#stream = stream;
    stream.on('data', (chunk: Buffer) => void this.#take(chunk));
    stream.on('error', (error) =>
      this.#logger.error('the list of films cannot be read any more', { error: error.message }),
    );
    stream.once('end', () => {
      void this.#take(Buffer.of(NEWLINE));
      void this.#film.end();
    });
  }

  /**
   * @param isAgain it may have been read by an earlier run.
   * @returns when so much of it is in the spool that more may come.
   */
  #take = async (chunk: Buffer, isAgain = false): Promise<void> => {
    const bytes = Buffer.concat([this.#rest, chunk]);
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
      const path = bytes.toString('utf8', start, end).replace(/\r$/, '');
      if (!(isAgain && (await this.#wasTaken(path)))) this.#line(path);
      start = end + 1;
    }
    // No path is so long.
    this.#rest = bytes.length - start > LINE_BYTES ? Buffer.alloc(0) : bytes.subarray(start);
    await this.#film.settled(1);
  };

  #wasTaken(path: string): Promise<boolean> {
    const { spool, inputDirectory } = this.#options;
    return spool.wasListed(resolve(inputDirectory, path));
  }

  #line(path: string): void {
    if (path === '' || path.includes('\0')) return;
    if (this.#options.isDisarmed()) {
      this.#logger.info('a film is passed over while the camera is disarmed', { path });
      return;
    }
    this.#film.listed(path);
    this.#idle?.cancel();
    this.#idle = this.#options.clock.after(IDLE, () => void this.#film.end());
  }
}

interface FollowerOptions extends FileListOptions {
  readonly handle: FileHandle;
  readonly stats: { readonly ino: number; readonly size: number };
  readonly take: (chunk: Buffer, isAgain: boolean) => Promise<void>;
}

/** Reads a file as it grows, whole lines at a time, and remembers how far. Owns the handle. */
class Follower {
  readonly #options: FollowerOptions;
  /** Up to here an earlier run may have taken what the list names, though its position does not say so. */
  readonly #knownUntil: number;
  #offset: number;
  #timer: Timer | undefined;
  #reading: Promise<void> | undefined;
  #isClosed = false;

  private constructor(options: FollowerOptions, offset: number, knownUntil: number) {
    this.#options = options;
    this.#offset = offset;
    this.#knownUntil = knownUntil;
  }

  static async start(options: FollowerOptions): Promise<Follower> {
    const { position, stats, clock } = options;
    const isSame = position?.inode === stats.ino && position.offset <= stats.size;
    const follower = isSame
      ? new Follower(options, position.offset, stats.size)
      : // Another file, or the same one begun anew: from its beginning.
        new Follower(options, 0, 0);
    if (!isSame) await follower.#goOnFrom(0);
    follower.#timer = clock.every(LOOK, () => follower.#look());
    follower.#look();
    return follower;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    await this.#reading;
    await this.#options.handle.close().catch(() => {
      // closed before
    });
  }

  #look(): void {
    const { logger } = this.#options;
    this.#reading ??= this.#read()
      .catch((error: Error) => logger.error('the list of films cannot be read', { error: error.message }))
      .finally(() => {
        this.#reading = undefined;
      });
  }

  async #read(): Promise<void> {
    const { handle, take } = this.#options;
    const buffer = Buffer.allocUnsafe(READ_BYTES);
    while (!this.#isClosed) {
      const { size } = await handle.stat();
      if (size < this.#offset) await this.#goOnFrom(0);
      const { bytesRead } = await handle.read(buffer, 0, READ_BYTES, this.#offset);
      const end = buffer.subarray(0, bytesRead).lastIndexOf(NEWLINE) + 1;
      if (end === 0) {
        // A line that is longer than any path is skipped.
        if (bytesRead === READ_BYTES) this.#offset += bytesRead;
        else return;
        continue;
      }
      await take(Buffer.from(buffer.subarray(0, end)), this.#offset < this.#knownUntil);
      await this.#goOnFrom(this.#offset + end);
    }
  }

  /** What is before is taken, also should the agent be killed. What is taken after it has a row after the mark. */
  async #goOnFrom(offset: number): Promise<void> {
    const { positionFile, stats, spool } = this.#options;
    this.#offset = offset;
    const { mark } = spool;
    await writeListPosition(positionFile, { inode: stats.ino, offset, mark });
    spool.since(mark);
  }
}
