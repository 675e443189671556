import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { Logger } from '@perch/runtime';
import { SpoolError } from './errors.ts';
import type { Files, OpenFile } from './files.ts';

/** Where a record lies in the journal, in bytes. */
export interface Place {
  readonly at: number;
  readonly length: number;
}

/** A record of the journal: a JSON object. */
export type JournalRecord = object;

export interface JournalOptions {
  readonly directory: string;
  readonly files: Files;
  readonly logger: Logger;
  /** Called for each record that the file held, in order, before `open` resolves. */
  readonly onRecord: (record: unknown, place: Place) => void;
  /**
   * What a checkpoint keeps. It gives records, and places of the present journal to copy; `moved` says where each of
   * those has gone, in the same order, once the new journal is in force.
   */
  readonly live: () => { readonly records: readonly JournalRecord[]; readonly places: readonly Place[] };
  readonly moved: (places: readonly Place[]) => void;
}

const NAME = 'journal';
const NEXT = 'journal.next';
const READ_BYTES = 1024 * 1024;
/** A line may be so long. What is longer is damage. */
const LINE_BYTES = 64 * 1024;
/** A journal is rewritten when so much of it is dead, and half of it. */
const DEAD_BYTES = 1024 * 1024;
const NEWLINE = 0x0a;
/** Eight hexadecimal digits of CRC-32 and a space. */
const CHECK_CHARS = 9;

interface Waiting {
  readonly line: Buffer;
  readonly resolve: (place: Place) => void;
  readonly reject: (error: SpoolError) => void;
}

/**
 * A file that is only ever added to: one record a line, `<CRC-32> <JSON>`. A record is kept when its `append` resolves:
 * it is on the disk. What many append meanwhile is written together and synced once. When half of it is dead it is
 * rewritten with what lives. A torn or damaged line is passed over and reported.
 */
export class Journal {
  readonly #options: JournalOptions;
  #file: OpenFile | undefined;
  #size = 0;
  #deadBytes = 0;
  /** The file may hold something else than we know: rewrite it before anything is added. */
  #isSuspect = false;
  #damagedLines = 0;
  #queue: Waiting[] = [];
  #working: Promise<void> | undefined;
  #isClosed = false;

  private constructor(options: JournalOptions) {
    this.#options = options;
  }

  /** @throws the system's error where the file can be neither read nor written. */
  static async open(options: JournalOptions): Promise<Journal> {
    const journal = new Journal(options);
    journal.#file = await options.files.write(join(options.directory, NAME));
    try {
      await journal.#replay(journal.#file);
      // The journal's own name must outlive a power cut, before anything is promised in it.
      if (journal.#size === 0) await options.files.syncDirectory(options.directory);
      return journal;
    } catch (error) {
      await journal.#file.close();
      throw error;
    }
  }

  /** Bytes of the file. */
  get size(): number {
    return this.#size;
  }

  /** Lines of which nobody knows what they said, as it was read. One that a power cut tore, the last, is none of them. */
  get damagedLines(): number {
    return this.#damagedLines;
  }

  /**
   * Resolves when `record` is on the disk, with its place.
   *
   * @throws {SpoolError} `spool-failed`, `spool-full`, `spool-closed`: it may or may not be there after a restart.
   */
  append(record: JournalRecord): Promise<Place> {
    if (this.#isClosed) return Promise.reject(closed());
    return new Promise((resolve, reject) => {
      this.#queue.push({ line: lineOf(record), resolve, reject });
      this.#wake();
    });
  }

  /** So many bytes of records are of no use any more. */
  bury(bytes: number): void {
    this.#deadBytes += bytes;
    if (this.#isWorthRewriting) this.#wake();
  }

  /** The record at `place`. */
  async read({ at, length }: Place): Promise<unknown> {
    const bytes = Buffer.allocUnsafe(length);
    const read = await this.#open.read(bytes, at);
    const record = read === length ? recordOf(bytes.subarray(0, -1)) : undefined;
    if (record === undefined)
      throw new SpoolError('spool-failed', `the journal is damaged at byte ${at}: it was changed by others`);
    return record;
  }

  /** Resolves when all that was appended is on the disk or has failed. */
  async close(): Promise<void> {
    this.#isClosed = true;
    while (this.#working) await this.#working;
    await this.#file?.close();
    this.#file = undefined;
  }

  get #open(): OpenFile {
    if (!this.#file) throw closed();
    return this.#file;
  }

  get #isWorthRewriting(): boolean {
    return this.#deadBytes > DEAD_BYTES && this.#deadBytes > this.#size / 2;
  }

  #wake(): void {
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined;
      if (this.#queue.length > 0) this.#wake();
    });
  }

  async #work(): Promise<void> {
    for (;;) {
      if (this.#isSuspect || (this.#isWorthRewriting && !this.#isClosed)) {
        try {
          await this.#checkpoint();
        } catch (cause) {
          this.#options.logger.error('the journal of captures could not be rewritten', { error: `${cause}` });
          // A sound one goes on as it is; another try comes with more dead records.
          this.#deadBytes = 0;
          if (this.#isSuspect) this.#fail(this.#queue.splice(0), cause);
        }
      }
      const batch = this.#queue.splice(0);
      if (batch.length === 0) return;
      await this.#write(batch);
    }
  }

  async #write(batch: readonly Waiting[]): Promise<void> {
    const bytes = Buffer.concat(batch.map(({ line }) => line));
    try {
      await this.#open.write(bytes, this.#size);
      await this.#open.sync();
    } catch (cause) {
      // After a failed sync nobody knows what is there.
      this.#isSuspect = true;
      this.#fail(batch, cause);
      return;
    }
    for (const { line, resolve } of batch) {
      resolve({ at: this.#size, length: line.length });
      this.#size += line.length;
    }
  }

  #fail(batch: readonly Waiting[], cause: unknown): void {
    const error = spoolFailure('write the journal of captures', cause);
    for (const { reject } of batch) reject(error);
  }

  /** Writes what lives into a new file and puts it in the old one's place. */
  async #checkpoint(): Promise<void> {
    const { files, directory, live, moved } = this.#options;
    // Dead records stand for removed files, whose removal must be on the disk before the records go.
    await files.syncDirectory(directory);
    const { records, places } = live();
    const old = this.#file;
    const next = await files.write(join(directory, NEXT));
    try {
      await next.truncate(0);
      const out = new Out(next);
      for (const record of records) await out.add(lineOf(record));
      const gone: Place[] = [];
      for (const { at, length } of places) {
        const line = Buffer.allocUnsafe(length);
        await this.#open.read(line, at);
        gone.push({ at: out.size, length });
        await out.add(line);
      }
      await out.flush();
      await next.sync();
      await files.rename(join(directory, NEXT), join(directory, NAME));
      await files.syncDirectory(directory);
      this.#file = next;
      this.#size = out.size;
      this.#deadBytes = 0;
      this.#isSuspect = false;
      moved(gone);
    } catch (error) {
      await next.close();
      throw error;
    }
    // Only now: somebody may have been reading.
    await old?.close();
  }

  async #replay(file: OpenFile): Promise<void> {
    const { logger, onRecord } = this.#options;
    // One buffer for all of it, with room before what is read for the beginning of a line.
    const buffer = Buffer.allocUnsafeSlow(LINE_BYTES + READ_BYTES);
    let rest: Buffer = Buffer.alloc(0);
    let at = 0;
    let damaged = 0;
    for (;;) {
      // Before the read, which overwrites it.
      rest.copy(buffer, LINE_BYTES - rest.length);
      rest = buffer.subarray(LINE_BYTES - rest.length, LINE_BYTES);
      const read = await file.read(buffer.subarray(LINE_BYTES), at + rest.length);
      if (read === 0) break;
      const bytes = buffer.subarray(LINE_BYTES - rest.length, LINE_BYTES + read);
      let start = 0;
      for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
        const record = recordOf(bytes.subarray(start, end));
        if (record === undefined) damaged++;
        else onRecord(record, { at: at + start, length: end + 1 - start });
        start = end + 1;
      }
      rest = bytes.subarray(start);
      at += start;
      if (rest.length > LINE_BYTES) {
        // No line is so long: zeros that a power cut left, perhaps. Only its end can begin a line.
        at += rest.length;
        rest = Buffer.alloc(0);
        damaged++;
      }
    }
    this.#size = at;
    this.#damagedLines = damaged;
    if (rest.length === 0 && damaged === 0) return;
    // A torn last line is what a power cut leaves; it was never promised.
    if (damaged > 0) logger.error('the journal of captures has damaged lines', { lines: damaged });
    else
      logger.warn('the journal of captures ended within a line, which was not promised', {
        bytes: rest.length,
      });
    this.#isSuspect = true;
  }
}

/** Writes in pieces of a reasonable size. */
class Out {
  readonly #file: OpenFile;
  #parts: Buffer[] = [];
  #waiting = 0;
  size = 0;

  constructor(file: OpenFile) {
    this.#file = file;
  }

  async add(line: Buffer): Promise<void> {
    this.#parts.push(line);
    this.#waiting += line.length;
    this.size += line.length;
    if (this.#waiting >= READ_BYTES) await this.flush();
  }

  async flush(): Promise<void> {
    await this.#file.write(Buffer.concat(this.#parts), this.size - this.#waiting);
    this.#parts = [];
    this.#waiting = 0;
  }
}

function lineOf(record: JournalRecord): Buffer {
  const json = Buffer.from(JSON.stringify(record));
  return Buffer.concat([Buffer.from(`${checkOf(json)} `), json, Buffer.of(NEWLINE)]);
}

const checkOf = (json: Uint8Array): string => crc32(json).toString(16).padStart(8, '0');

function recordOf(line: Buffer): unknown {
  const json = line.subarray(CHECK_CHARS);
  if (line.length <= CHECK_CHARS || line.toString('latin1', 0, CHECK_CHARS) !== `${checkOf(json)} `)
    return undefined;
  return JSON.parse(json.toString('utf8')) as unknown;
}

const closed = () => new SpoolError('spool-closed', 'the spool is closed');

/** A system's error, as ours. */
export function spoolFailure(what: string, cause: unknown): SpoolError {
  if (cause instanceof SpoolError) return cause;
  const code = (cause as NodeJS.ErrnoException).code ?? '';
  if (['ENOSPC', 'EDQUOT'].includes(code))
    return new SpoolError('spool-full', `no space left to ${what}: free some on the disk of --data`, {
      cause,
    });
  return new SpoolError('spool-failed', `cannot ${what}: ${(cause as Error).message}`, { cause });
}
