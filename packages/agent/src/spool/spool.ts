import { randomBytes } from 'node:crypto';
import { dirname, join } from 'node:path';
import type { CaptureEvent, CaptureName, Trigger } from '@perch/protocol';
import { type Clock, Emitter, type Logger, millis, sleep } from '@perch/runtime';
import { type Claim, claim } from './claim.ts';
import { SpoolError } from './errors.ts';
import { disk, type Files, type OpenFile } from './files.ts';
import { Journal, type Place, spoolFailure } from './journal.ts';
import { type EventRow, Ledger, type Row } from './ledger.ts';
import { asSpoolRecord, type SpoolRecord, type StoredSegment } from './record.ts';
import { fromStoredName, type StoredName, toStoredName } from './stored-name.ts';
import { PART, readAgain, readContents, type Taken, takeFile } from './take-file.ts';
import { Shared, Turns } from './turns.ts';

/** Where the spool is and how much it holds. */
export interface SpoolOptions {
  /** Its own directory; made if need be. */
  readonly directory: string;
  /** Most bytes that wait. Over it the oldest that has no alarm is given up, and told as lost. Default: no limit. */
  readonly mostBytes?: number;
  /** What waits longer than this is given up, and told as lost; in ms. Default: no limit. */
  readonly mostAge?: number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Default: the real disk. */
  readonly files?: Files;
}

/** What happens in a spool. */
export interface SpoolNews {
  /** There is something new to send. */
  waiting: undefined;
  /** A segment is safe here. */
  taken: StoredSegment;
  /** A segment has left for good. */
  left: { readonly capture: CaptureName; readonly segment: number; readonly how: 'persisted' | 'lost' };
}

/** A segment on its way: nobody else gets it until it is given back. Whoever checked it out ends it, one way or other. */
export interface CheckedOut {
  readonly segment: StoredSegment;
  /** Open for reading; closed when it ends. */
  readonly file: OpenFile;
  /** An alarm belongs to its film. */
  readonly hasAlarm: boolean;
  /** Something more urgent waits. */
  readonly isSurpassed: boolean;
  /** The relay has it on disk: it leaves. Resolves when that is written down. */
  persisted(): Promise<void>;
  /** Reads it all again; where the disk has changed it, it is promised as it is now, and that is said. Then `putBack`. */
  verify(): Promise<void>;
  /** It waits again, after so many ms. */
  putBack(after?: number): Promise<void>;
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

/** What to take in. */
export interface Order {
  readonly capture: CaptureName;
  readonly segment: number;
  readonly extension: string;
  /** The camera program's file. */
  readonly path: string;
  /** Not if it has this hash: then it was taken already. */
  readonly unless?: string;
}

/** So many files are read or copied at once. */
const AT_ONCE = 4;
/** A file that grows is looked at again after this, and after so many looks taken as it is. */
const GROWING_LOOK = millis(1_000);
const GROWING_LOOKS = 30;
const LOSSES_SHOWN = 20;
const AGE_LOOK = millis(60_000);

/**
 * Where segments wait on the device: a directory of files and a journal of what was promised about them.
 *
 * `take` resolves when the file, its name and its record are on the disk: from then on neither `kill -9` nor a power cut
 * loses it, and the camera program may delete its own. A segment leaves when the relay has it on disk, or when the
 * limits give it up, which is told as an event of its own, logged as an error and counted. After a crash, files without
 * a record are taken back, and films that were not over are ended.
 */
export class Spool implements AsyncDisposable {
  readonly news = new Emitter<SpoolNews>();
  readonly #options: SpoolOptions;
  readonly #files: Files;
  readonly #ledger = new Ledger();
  readonly #turns = new Turns({ most: AT_ONCE });
  readonly #syncNames: Shared;
  readonly #hurrying = new AbortController();
  readonly #ending = new AbortController();
  readonly #working = new Set<Promise<unknown>>();
  /** Rows that the journal's lines removed, while it is read. */
  readonly #doneAtStart = new Set<number>();
  readonly #resting = new Set<{ cancel(): void }>();
  readonly #losses: string[] = [];
  #claim: Claim | undefined;
  #journal: Journal | undefined;
  #counts = { taken: 0, persisted: 0, lost: 0 };
  #ageLook: { cancel(): void } | undefined;

  private constructor(options: SpoolOptions) {
    this.#options = options;
    this.#files = options.files ?? disk;
    this.#syncNames = new Shared(() => this.#files.syncDirectory(options.directory));
  }

  /**
   * Opens a spool with all that it held.
   *
   * @throws {SpoolError} `spool-failed`, `spool-full`, `spool-in-use`
   */
  static async open(options: SpoolOptions): Promise<Spool> {
    const spool = new Spool(options);
    try {
      await spool.#start();
      return spool;
    } catch (cause) {
      await spool.close();
      throw spoolFailure(`use the spool in ${options.directory}`, cause);
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
  async begin(capture: CaptureName): Promise<void> {
    await this.#write({ k: 'capture', capture, open: true, alarm: false, gone: 0 });
  }

  /**
   * Takes a file in. Resolves when it is safe.
   *
   * @throws {SpoolError} where it cannot be taken, or the spool failed. The caller tells of it with {@link missed}.
   */
  take(order: Order): Promise<StoredSegment> {
    return this.#track(this.#take(order));
  }

  /** A segment that was announced could not be taken: says so, here and to the relay. */
  async missed(capture: CaptureName, segment: number, reason: string): Promise<void> {
    this.#countLoss(`${capture.id} segment ${segment}: ${reason}`);
    await this.note({ kind: 'lost', capture, segment, reason });
  }

  /** Something happened. Resolves when it is on the disk. */
  async note(event: CaptureEvent): Promise<void> {
    const id = randomBytes(12).toString('base64url');
    await this.#write({ k: 'event', n: this.#ledger.nextN(), id, event });
    this.news.emit('waiting', undefined);
  }

  /** The most urgent segment that waits and can be read. */
  checkOut(): Promise<CheckedOut | undefined> {
    return this.#track(this.#checkOut());
  }

  /** Events that were not noted, oldest first, at most `most`, but those of `besides`. */
  async pendingEvents(most: number, besides: ReadonlySet<string>): Promise<PendingEvent[]> {
    const rows: EventRow[] = [];
    for (const row of this.#ledger.events.values()) {
      if (rows.length >= most) break;
      if (!besides.has(row.id)) rows.push(row);
    }
    return Promise.all(
      rows.map(async ({ id, place }) => {
        const record = asSpoolRecord(await this.#open.read(place));
        if (record?.k !== 'event') throw new SpoolError('spool-failed', 'the journal was changed by others');
        return { id, event: record.event };
      }),
    );
  }

  /** The relay has the event. */
  async noted(id: string): Promise<void> {
    const row = this.#ledger.events.get(id);
    if (row) await this.#write({ k: 'done', n: row.n });
  }

  /** Segments of a film that have not left. */
  pendingOf(captureId: string): number {
    return this.#ledger.captures.get(captureId)?.pending ?? 0;
  }

  /** Segments of a film that wait, those on their way not counted. */
  waitingOf(captureId: string): number {
    return this.#ledger.captures.get(captureId)?.waiting.length ?? 0;
  }

  dump(): SpoolStatus {
    const { rows, bytes, captures, events } = this.#ledger;
    return {
      segments: rows.size,
      bytes,
      captures: captures.size,
      events: events.size,
      mostBytes: this.#options.mostBytes ?? null,
      mostAgeMs: this.#options.mostAge ?? null,
      ...this.#counts,
      losses: [...this.#losses],
    };
  }

  /** The end is near: files that grow are taken as they are. */
  hurry(): void {
    this.#hurrying.abort();
  }

  /** Lets what is being written be written. What was taken but not written down is found at the next start. */
  async close(): Promise<void> {
    this.hurry();
    this.#ending.abort();
    this.#ageLook?.cancel();
    for (const timer of this.#resting) timer.cancel();
    this.#resting.clear();
    while (this.#working.size > 0) await Promise.allSettled([...this.#working]);
    await this.#journal?.close();
    await this.#claim?.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  get #open(): Journal {
    if (!this.#journal || this.#ending.signal.aborted)
      throw new SpoolError('spool-closed', 'the spool is closed');
    return this.#journal;
  }

  #track<T>(work: Promise<T>): Promise<T> {
    this.#working.add(work);
    const done = () => void this.#working.delete(work);
    work.then(done, done);
    return work;
  }

  /** Writes a record, and lets the ledger know it once it is on the disk. */
  #write(record: SpoolRecord): Promise<Place> {
    return this.#track(
      this.#open.append(record).then((place) => {
        this.#journal?.bury(this.#ledger.apply(record, place));
        return place;
      }),
    );
  }

  #path(file: string): string {
    return join(this.#options.directory, file);
  }

  async #start(): Promise<void> {
    const { directory, logger, clock, mostAge } = this.#options;
    await this.#files.makeDirectory(directory);
    this.#claim = await claim(directory);
    await this.#files.syncDirectory(dirname(directory));
    let dead = 0;
    let copied: (Row | EventRow)[] = [];
    this.#journal = await Journal.open({
      directory,
      files: this.#files,
      logger,
      onRecord: (value, place) => {
        const record = asSpoolRecord(value);
        if (!record) return;
        if (record.k === 'done') this.#doneAtStart.add(record.n);
        dead += this.#ledger.apply(record, place);
      },
      live: () => {
        const { records, rows } = this.#ledger.live();
        copied = rows;
        return { records, places: rows.map(({ place }) => place) };
      },
      moved: (places) => {
        for (const [i, row] of copied.entries()) row.place = places[i] ?? row.place;
        copied = [];
      },
    });
    this.#journal.bury(dead);
    await this.#reconcile();
    await this.#endOpenFilms();
    if (mostAge !== undefined) {
      await this.#giveUpOld(mostAge);
      this.#ageLook = clock.every(AGE_LOOK, () => {
        this.#giveUpOld(mostAge).catch((error: Error) =>
          logger.error('old segments could not be given up', { error }),
        );
      });
    }
  }

  /** What lies in the directory and what the journal says, made one after a crash. */
  async #reconcile(): Promise<void> {
    const { directory, logger } = this.#options;
    const found = new Set<number>();
    for await (const file of this.#files.list(directory)) {
      const name = fromStoredName(file);
      if (!name) {
        if (file.endsWith(PART) || file === 'journal.next') await this.#removeFile(file);
        continue;
      }
      this.#ledger.see(name.n);
      if (this.#ledger.rows.has(name.n)) found.add(name.n);
      else if (this.#doneAtStart.has(name.n)) await this.#removeFile(file);
      else if (await this.#takeBack(file, name)) found.add(name.n);
    }
    this.#doneAtStart.clear();
    for (const row of [...this.#ledger.rows.values()]) {
      if (found.has(row.n)) continue;
      await this.#lose(row, 'its file is gone from the spool');
    }
    if (this.#ledger.rows.size > 0)
      logger.info('captures wait to be sent', {
        segments: this.#ledger.rows.size,
        bytes: this.#ledger.bytes,
      });
  }

  /** A file whose record was not written before the end: the camera program may have deleted its own already. */
  async #takeBack(file: string, { n, capture, segment, extension }: StoredName): Promise<boolean> {
    const { logger, clock } = this.#options;
    const path = this.#path(file);
    try {
      const { size, sha256, modified } = await readAgain(this.#files, path, path);
      const stored = { capture, segment, extension, size, sha256, modified, file, taken: clock.wall() };
      // Its name may not be on the disk yet: it was found, which is no promise.
      await this.#syncNames.run();
      await this.#write({ k: 'segment', n, segment: stored });
      logger.info('a segment was taken back after a crash', { capture: capture.id, segment });
      return true;
    } catch (error) {
      if (!(error instanceof SpoolError) || error.code === 'spool-failed' || error.code === 'spool-full')
        throw error;
      // Empty or unreadable: nothing of it was ever promised.
      logger.warn('a file in the spool was left by a crash, and is of no use', {
        file,
        error: error.message,
      });
      await this.#removeFile(file);
      return false;
    }
  }

  /** No connection outlives the agent, so what was being filmed then is over. */
  async #endOpenFilms(): Promise<void> {
    const open = [...this.#ledger.captures.values()].filter(({ isOpen }) => isOpen);
    await Promise.all(
      open.map(({ name: capture, gone, pending }) =>
        this.note({ kind: 'end', capture, segments: gone + pending }),
      ),
    );
  }

  async #take({ capture, segment, extension, path, unless }: Order): Promise<StoredSegment> {
    const n = this.#ledger.nextN();
    const file = toStoredName({ n, capture, segment, extension });
    let taken = await this.#turns.run(() => takeFile(this.#files, path, this.#path(file)));
    taken = await this.#untilStill(taken, path, file);
    if (taken.sha256 === unless) {
      await this.#removeFile(file);
      throw new SpoolError('segment-twice', `${path} was taken already`);
    }
    await this.#makeRoom(taken.size, file);
    try {
      await this.#syncNames.run();
    } catch (cause) {
      throw spoolFailure(`sync ${this.#options.directory}`, cause);
    }
    const { size, sha256, modified } = taken;
    const stored = {
      capture,
      segment,
      extension,
      size,
      sha256,
      modified,
      file,
      taken: this.#options.clock.wall(),
    };
    await this.#write({ k: 'segment', n, segment: stored });
    this.#counts.taken++;
    this.news.emit('taken', stored);
    this.news.emit('waiting', undefined);
    return stored;
  }

  /** A file that grows is watched for a while. Its link or copy is in the spool meanwhile, so it cannot be lost. */
  async #untilStill(first: Taken, path: string, file: string): Promise<Taken> {
    const { clock, logger } = this.#options;
    let taken = first;
    for (let look = 0; taken.isGrowing; look++) {
      if (look === 0) logger.warn('a segment was named before it was complete; it is watched', { path });
      if (look === GROWING_LOOKS) {
        logger.error('a segment does not stop growing; it is taken as it is', { path });
        break;
      }
      const isOver = await sleep(clock, GROWING_LOOK, this.#hurrying.signal).then(
        () => false,
        () => true,
      );
      if (isOver) break;
      const target = this.#path(file);
      const { how } = taken;
      taken = await this.#turns.run(async () =>
        how === 'link'
          ? { ...(await readAgain(this.#files, target, path)), how }
          : takeFile(this.#files, path, target),
      );
    }
    return taken;
  }

  /** @throws {SpoolError} `spool-full` where all that could be given up would not make room. */
  async #makeRoom(size: number, file: string): Promise<void> {
    const { mostBytes } = this.#options;
    if (mostBytes === undefined) return;
    if (size > mostBytes) {
      await this.#removeFile(file);
      throw new SpoolError(
        'spool-full',
        `a segment of ${size} bytes is larger than the spool, which holds ${mostBytes}`,
      );
    }
    while (this.#ledger.bytes + size > mostBytes) {
      const row = this.#ledger.oldestWaiting();
      // What is on its way stays; it leaves soon.
      if (!row) break;
      await this.#lose(row, `the spool is full (${mostBytes} bytes)`);
    }
  }

  async #giveUpOld(mostAge: number): Promise<void> {
    const oldest = this.#options.clock.wall() - mostAge;
    for (const row of [...this.#ledger.rows.values()]) {
      // Rows are in the order in which they were taken.
      const { taken } = await this.#read(row);
      if (taken >= oldest) return;
      if (row.capture.waiting.includes(row))
        await this.#lose(row, `it waited longer than ${mostAge / 3_600_000} h`);
    }
  }

  async #checkOut(): Promise<CheckedOut | undefined> {
    for (;;) {
      const row = this.#ledger.takeNext();
      if (!row) return undefined;
      try {
        const segment = await this.#read(row);
        const file = await this.#openAsPromised(row, segment);
        if (file) return this.#checkedOut(row, file.segment, file.file);
      } catch (error) {
        this.#ledger.putBack(row);
        throw error;
      }
    }
  }

  /** A file whose size or time is another than was written down was changed through its other name: it is promised anew. */
  async #openAsPromised(
    row: Row,
    segment: StoredSegment,
  ): Promise<{ readonly segment: StoredSegment; readonly file: OpenFile } | undefined> {
    const { logger } = this.#options;
    let file: OpenFile;
    try {
      file = await this.#files.read(this.#path(segment.file));
    } catch (error) {
      const isGone = (error as NodeJS.ErrnoException).code === 'ENOENT';
      await this.#lose(
        row,
        isGone ? 'its file is gone from the spool' : `its file cannot be read (${error})`,
      );
      return undefined;
    }
    try {
      const facts = await file.facts();
      if (facts.size === segment.size && facts.modified === segment.modified) return { segment, file };
      const { size, sha256, modified } = await readContents(file);
      if (size === 0) {
        await file.close();
        await this.#lose(row, 'its file was emptied after it was taken');
        return undefined;
      }
      if (sha256 !== segment.sha256)
        logger.error('a segment was changed after it was taken', {
          capture: segment.capture.id,
          segment: row.segment,
        });
      await file.sync();
      const changed = { ...segment, size, sha256, modified };
      await this.#write({ k: 'segment', n: row.n, segment: changed });
      return { segment: changed, file };
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  #checkedOut(row: Row, segment: StoredSegment, file: OpenFile): CheckedOut {
    const ledger = this.#ledger;
    return {
      segment,
      file,
      get hasAlarm() {
        return row.capture.hasAlarm;
      },
      get isSurpassed() {
        return ledger.isSurpassed(row);
      },
      persisted: async () => {
        await file.close();
        await this.#write({ k: 'done', n: row.n });
        await this.#removeFile(segment.file);
        this.#counts.persisted++;
        this.news.emit('left', { capture: segment.capture, segment: segment.segment, how: 'persisted' });
      },
      verify: () => this.#track(this.#verify(row, segment, file)),
      putBack: async (after) => {
        await file.close();
        if (after === undefined || after <= 0) this.#waitAgain(row);
        else {
          const timer = this.#options.clock.after(millis(after), () => {
            this.#resting.delete(timer);
            this.#waitAgain(row);
          });
          this.#resting.add(timer);
        }
      },
    };
  }

  async #verify(row: Row, segment: StoredSegment, file: OpenFile): Promise<void> {
    const { size, sha256, modified } = await readContents(file);
    if (sha256 === segment.sha256 || size === 0) return;
    this.#options.logger.error('a segment was damaged on this disk; it is sent as it is', {
      file: segment.file,
    });
    await this.#write({ k: 'segment', n: row.n, segment: { ...segment, size, sha256, modified } });
  }

  #waitAgain(row: Row): void {
    this.#ledger.putBack(row);
    this.news.emit('waiting', undefined);
  }

  /** Gives a segment up: told to the relay, logged and counted; never in silence. */
  async #lose(row: Row, reason: string): Promise<void> {
    const { name } = row.capture;
    const { file } = await this.#read(row);
    this.#countLoss(`${name.id} segment ${row.segment}: ${reason}`);
    await this.note({ kind: 'lost', capture: name, segment: row.segment, reason });
    await this.#write({ k: 'done', n: row.n });
    await this.#removeFile(file);
    this.news.emit('left', { capture: name, segment: row.segment, how: 'lost' });
  }

  #countLoss(words: string): void {
    this.#counts.lost++;
    this.#losses.push(words);
    if (this.#losses.length > LOSSES_SHOWN) this.#losses.shift();
    this.#options.logger.error('a segment is lost', { segment: words });
  }

  async #read(row: Row): Promise<StoredSegment> {
    const record = asSpoolRecord(await this.#open.read(row.place));
    if (record?.k !== 'segment') throw new SpoolError('spool-failed', 'the journal was changed by others');
    return record.segment;
  }

  async #removeFile(file: string): Promise<void> {
    await this.#files.remove(this.#path(file)).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return;
      this.#options.logger.warn('a file could not be removed from the spool', { file, error: error.message });
    });
  }
}
