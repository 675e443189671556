import { randomBytes } from 'node:crypto';
import type { CaptureEvent, CaptureName, Trigger } from '@perch/protocol';
import { type Clock, Emitter, type Logger } from '@perch/runtime';
import { Book } from './book.ts';
import { thisBoot } from './boot.ts';
import { type CheckedOut, CheckOut } from './check-out.ts';
import { type Claim, claim } from './claim.ts';
import { SpoolError } from './errors.ts';
import { disk, type Files } from './files.ts';
import { Folder } from './folder.ts';
import { Intake, type Order } from './intake.ts';
import { spoolFailure } from './journal.ts';
import type { EventRow } from './ledger.ts';
import { Limits, type SpoolLimits } from './limits.ts';
import { Losses } from './losses.ts';
import type { SpoolNews } from './news.ts';
import type { StoredSegment } from './record.ts';
import { recover } from './recovery.ts';
import { TakenSince } from './taken-since.ts';

/** Where the spool is and how much it holds. */
export interface SpoolOptions extends SpoolLimits {
  /** Its own directory; made if need be. */
  readonly directory: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Default: the real disk. */
  readonly files?: Files;
  /** Which run of the machine's kernel this is. Default: what the system says. */
  readonly boot?: string;
  /** A {@link Spool.mark} of an earlier run: what was taken after it is known, see {@link Spool.wasListed}. */
  readonly since?: number;
}

/** An event that was not noted yet. */
export interface PendingEvent {
  readonly id: string;
  readonly event: CaptureEvent;
}

/** What a person wants to know about a spool. */
export interface SpoolStatus {
  readonly segments: number;
  readonly bytes: number;
  readonly captures: number;
  readonly events: number;
  readonly mostBytes: number | null;
  readonly mostAgeMs: number | null;
  /** Since the start. */
  readonly taken: number;
  readonly persisted: number;
  readonly lost: number;
  /** The latest that were lost, or not taken, with the reason. */
  readonly losses: readonly string[];
}

/** The parts of an open spool. */
interface Parts {
  readonly claim: Claim;
  readonly book: Book;
  readonly losses: Losses;
  readonly limits: Limits;
  readonly intake: Intake;
  readonly checkOut: CheckOut;
  readonly takenSince: TakenSince;
}

/**
 * Where segments wait on the device: a directory of files and a journal of what was promised about them.
 *
 * `take` resolves when the file, its name and its record are on the disk: from then on neither `kill -9` nor a power cut
 * loses it, and the camera program may delete its own. A segment leaves when the relay has it on disk, or when the
 * limits give it up, which is told as an event of its own, logged as an error and counted. After a crash, files without
 * a record are taken back (unless the machine itself went down: then nobody knows what they hold), and films that were
 * not over are ended.
 */
export class Spool implements AsyncDisposable {
  readonly news: Emitter<SpoolNews>;
  readonly #options: SpoolOptions;
  readonly #parts: Parts;
  readonly #working = new Set<Promise<unknown>>();
  #isClosed = false;

  private constructor(options: SpoolOptions, parts: Parts, news: Emitter<SpoolNews>) {
    this.#options = options;
    this.#parts = parts;
    this.news = news;
  }

  /**
   * Opens a spool with all that it held.
   *
   * @throws {SpoolError} `spool-failed`, `spool-full`, `spool-in-use`
   */
  static async open(options: SpoolOptions): Promise<Spool> {
    const { directory, files = disk, since = Number.POSITIVE_INFINITY, clock, logger } = options;
    await using opened = new AsyncDisposableStack();
    try {
      const folder = new Folder({ directory, files, logger });
      await folder.make();
      const claimed = opened.adopt(await claim(directory), (held) => held.close());
      const takenSince = new TakenSince(since, files);
      const book = opened.adopt(await Book.open({ directory, files, logger, takenSince }), (read) =>
        read.close(),
      );
      // A journal that was rewritten may not know how far the numbers were.
      if (Number.isFinite(since)) book.ledger.see(since);
      const news = new Emitter<SpoolNews>();
      const losses = new Losses({ book, folder, news, logger });
      const room = { folder, book, losses, news, clock, logger };
      await recover(room, options.boot ?? (await thisBoot()));
      const limits = new Limits(room, options);
      await limits.start();
      const parts = {
        ...{ claim: claimed, book, losses, limits, takenSince },
        ...{ intake: new Intake(room, limits), checkOut: new CheckOut(room) },
      };
      opened.move();
      return new Spool(options, parts, news);
    } catch (cause) {
      throw spoolFailure(`use the spool in ${directory}`, cause);
    }
  }

  get directory(): string {
    return this.#options.directory;
  }

  /** A new film's name. It is written down with its first segment or event. */
  name(trigger: Trigger, timestamp: number): CaptureName {
    return { id: `${trigger}-${timestamp}-${randomBytes(6).toString('base64url')}`, trigger, timestamp };
  }

  /** A film begins: should the agent end before it is over, the next start ends it. */
  begin(capture: CaptureName): Promise<void> {
    return this.#track(({ book }) =>
      book.write({ k: 'capture', capture, open: true, alarm: false, gone: 0 }),
    );
  }

  /**
   * Takes a file in. Resolves when it is safe.
   *
   * @throws {SpoolError} where it cannot be taken, or the spool failed. The caller tells of it with {@link missed}.
   */
  take(order: Order): Promise<StoredSegment> {
    return this.#track(({ intake }) => intake.take(order));
  }

  /** A point in the order in which segments are taken: those that are taken from now on come after it. */
  get mark(): number {
    return this.#parts.book.ledger.nextN();
  }

  /** Whether the file that a list names, by its whole path, was taken after `since`, before the start. Says so once for each that was. */
  wasListed(path: string): Promise<boolean> {
    return this.#parts.takenSince.includes(path);
  }

  /** It is noted how far a list was read, with this {@link mark}: what was listed before it is forgotten. */
  since(mark: number): void {
    this.#parts.takenSince.noted(mark);
  }

  /** A segment that was announced could not be taken: says so, here and to the relay. */
  missed(capture: CaptureName, segment: number, reason: string): Promise<void> {
    return this.#track(({ losses }) => losses.missed(capture, segment, reason));
  }

  /** Something happened. Resolves when it is on the disk. */
  note(event: CaptureEvent): Promise<void> {
    return this.#track(async ({ book }) => {
      await book.note(event);
      this.news.emit('waiting', undefined);
    });
  }

  /** The most urgent segment that waits and can be read. */
  checkOut(): Promise<CheckedOut | undefined> {
    return this.#track(({ checkOut }) => checkOut.next());
  }

  /** Events that were not noted, oldest first, at most `most`, but those of `besides`. */
  async pendingEvents(most: number, besides: ReadonlySet<string>): Promise<PendingEvent[]> {
    const { book } = this.#parts;
    const rows: EventRow[] = [];
    for (const row of book.ledger.events.values()) {
      if (rows.length >= most) break;
      if (!besides.has(row.id)) rows.push(row);
    }
    return Promise.all(rows.map(async (row) => ({ id: row.id, event: await book.event(row) })));
  }

  /** The relay has the event. */
  noted(id: string): Promise<void> {
    return this.#track(async ({ book }) => {
      const row = book.ledger.events.get(id);
      if (row) await book.write({ k: 'done', n: row.n });
    });
  }

  /** Segments of a film that have not left. */
  pendingOf(captureId: string): number {
    return this.#parts.book.ledger.captures.get(captureId)?.pending ?? 0;
  }

  /** Segments of a film that wait, those on their way not counted. */
  waitingOf(captureId: string): number {
    return this.#parts.book.ledger.captures.get(captureId)?.waiting.length ?? 0;
  }

  dump(): SpoolStatus {
    const { book, losses, intake, checkOut } = this.#parts;
    const { rows, bytes, captures, events } = book.ledger;
    return {
      segments: rows.size,
      bytes,
      captures: captures.size,
      events: events.size,
      mostBytes: this.#options.mostBytes ?? null,
      mostAgeMs: this.#options.mostAge ?? null,
      taken: intake.taken,
      persisted: checkOut.persisted,
      lost: losses.count,
      losses: losses.latest,
    };
  }

  /** The end is near: files that grow are taken as they are. */
  hurry(): void {
    this.#parts.intake.hurry();
  }

  /** Lets what is being written be written. What was taken but not written down is found at the next start. Idempotent. */
  async close(): Promise<void> {
    const { claim: held, book, limits, checkOut } = this.#parts;
    this.#isClosed = true;
    this.hurry();
    book.seal();
    limits.close();
    checkOut.close();
    while (this.#working.size > 0) await Promise.allSettled([...this.#working]);
    await book.close();
    await held.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** `close` waits for it. */
  #track<T>(work: (parts: Parts) => Promise<T>): Promise<T> {
    if (this.#isClosed) return Promise.reject(new SpoolError('spool-closed', 'the spool is closed'));
    const done = () => void this.#working.delete(promise);
    const promise = work(this.#parts);
    this.#working.add(promise);
    promise.then(done, done);
    return promise;
  }
}
