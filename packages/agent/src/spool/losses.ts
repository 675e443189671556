import type { CaptureName } from '@perch/protocol';
import type { Emitter, Logger } from '@perch/runtime';
import type { Book } from './book.ts';
import type { Folder } from './folder.ts';
import type { Row } from './ledger.ts';
import type { SpoolNews } from './news.ts';

const SHOWN = 20;

export interface LossesOptions {
  readonly book: Book;
  readonly folder: Folder;
  readonly news: Emitter<SpoolNews>;
  readonly logger: Logger;
}

/** What will never come: each loss is told to the relay, logged as an error and counted; none is silent. */
export class Losses {
  readonly #options: LossesOptions;
  readonly #latest: string[] = [];
  #count = 0;

  constructor(options: LossesOptions) {
    this.#options = options;
  }

  /** Since the start. */
  get count(): number {
    return this.#count;
  }

  /** The latest, with the reason. */
  get latest(): readonly string[] {
    return [...this.#latest];
  }

  /** A segment that was announced could not be taken. */
  async missed(capture: CaptureName, segment: number, reason: string): Promise<void> {
    this.#say(`${capture.id} segment ${segment}: ${reason}`);
    const { book, news } = this.#options;
    await book.note({ kind: 'lost', capture, segment, reason });
    news.emit('waiting', undefined);
  }

  /** Gives up a segment that is in the spool. Resolves when that is on the disk and its file is gone. */
  async lose(row: Row, reason: string): Promise<void> {
    const { book, folder, news } = this.#options;
    const { name } = row.capture;
    const { file } = await book.segment(row);
    await this.missed(name, row.segment, reason);
    await book.write({ k: 'done', n: row.n });
    await folder.remove(file);
    news.emit('left', { capture: name, segment: row.segment, how: 'lost' });
  }

  #say(words: string): void {
    this.#count++;
    this.#latest.push(words);
    if (this.#latest.length > SHOWN) this.#latest.shift();
    this.#options.logger.error('a segment is lost', { segment: words });
  }
}
