import { millis } from '@perch/runtime';
import type { OpenFile } from './files.ts';
import type { Row } from './ledger.ts';
import type { StoredSegment } from './record.ts';
import type { SpoolRoom } from './room.ts';
import { readContents } from './take-file.ts';

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

/** Hands segments out to be sent, most urgent first, and lets go of them when the relay has them. */
export class CheckOut {
  readonly #room: SpoolRoom;
  readonly #resting = new Set<{ cancel(): void }>();
  #persisted = 0;

  constructor(room: SpoolRoom) {
    this.#room = room;
  }

  /** Since the start. */
  get persisted(): number {
    return this.#persisted;
  }

  /** The most urgent segment that waits and can be read. */
  async next(): Promise<CheckedOut | undefined> {
    const { book } = this.#room;
    for (;;) {
      const row = book.ledger.takeNext();
      if (!row) return undefined;
      try {
        const segment = await book.segment(row);
        const file = await this.#openAsPromised(row, segment);
        if (file) return this.#checkedOut(row, file.segment, file.file);
      } catch (error) {
        book.ledger.putBack(row);
        throw error;
      }
    }
  }

  /** What rests waits in the spool for the next start. Idempotent. */
  close(): void {
    for (const timer of this.#resting) timer.cancel();
    this.#resting.clear();
  }

  /** A file whose size or time is another than was written down was changed through its other name: it is promised anew. */
  async #openAsPromised(
    row: Row,
    segment: StoredSegment,
  ): Promise<{ readonly segment: StoredSegment; readonly file: OpenFile } | undefined> {
    const { folder, losses } = this.#room;
    let file: OpenFile;
    try {
      file = await folder.files.read(folder.pathOf(segment.file));
    } catch (error) {
      const isGone = (error as NodeJS.ErrnoException).code === 'ENOENT';
      await losses.lose(
        row,
        isGone ? 'its file is gone from the spool' : `its file cannot be read (${error})`,
      );
      return undefined;
    }
    try {
      const { size, modified } = await file.facts();
      if (size === segment.size && modified === segment.modified) return { segment, file };
      const changed = await this.#promiseAnew(row, segment, file);
      if (changed) return { segment: changed, file };
      await file.close();
      await losses.lose(row, 'its file was emptied after it was taken');
      return undefined;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** @returns what is promised now; `undefined` where nothing is left of it. */
  async #promiseAnew(row: Row, segment: StoredSegment, file: OpenFile): Promise<StoredSegment | undefined> {
    const { book, logger } = this.#room;
    const { size, sha256, modified } = await readContents(file);
    if (size === 0) return undefined;
    if (sha256 !== segment.sha256)
      logger.error('a segment was changed after it was taken', {
        capture: segment.capture.id,
        segment: row.segment,
      });
    await file.sync();
    const changed = { ...segment, size, sha256, modified };
    await book.write({ k: 'segment', n: row.n, segment: changed });
    return changed;
  }

  #checkedOut(row: Row, segment: StoredSegment, file: OpenFile): CheckedOut {
    const { book, folder, news, clock } = this.#room;
    return {
      segment,
      file,
      get hasAlarm() {
        return row.capture.hasAlarm;
      },
      get isSurpassed() {
        return book.ledger.isSurpassed(row);
      },
      persisted: async () => {
        await file.close();
        await book.write({ k: 'done', n: row.n });
        await folder.remove(segment.file);
        this.#persisted++;
        news.emit('left', { capture: segment.capture, segment: segment.segment, how: 'persisted' });
      },
      verify: () => this.#verify(row, segment, file),
      putBack: async (after) => {
        await file.close();
        if (after === undefined || after <= 0) this.#waitAgain(row);
        else {
          const timer = clock.after(millis(after), () => {
            this.#resting.delete(timer);
            this.#waitAgain(row);
          });
          this.#resting.add(timer);
        }
      },
    };
  }

  async #verify(row: Row, segment: StoredSegment, file: OpenFile): Promise<void> {
    const { book, logger } = this.#room;
    const { size, sha256, modified } = await readContents(file);
    if (sha256 === segment.sha256 || size === 0) return;
    logger.error('a segment was damaged on this disk; it is sent as it is', { file: segment.file });
    await book.write({ k: 'segment', n: row.n, segment: { ...segment, size, sha256, modified } });
  }

  #waitAgain(row: Row): void {
    const { book, news } = this.#room;
    book.ledger.putBack(row);
    news.emit('waiting', undefined);
  }
}
