import { randomBytes } from 'node:crypto';
import type { CaptureEvent } from '@perch/protocol';
import type { Logger } from '@perch/runtime';
import { SpoolError } from './errors.ts';
import type { Files } from './files.ts';
import { Journal } from './journal.ts';
import { type EventRow, Ledger, type Row } from './ledger.ts';
import { asSpoolRecord, type SpoolRecord, type StoredSegment } from './record.ts';
import type { TakenSince } from './taken-since.ts';

export interface BookOptions {
  readonly directory: string;
  readonly files: Files;
  readonly logger: Logger;
  /** Sees all records, and is kept with them. */
  readonly takenSince: TakenSince;
}

/** What the spool has promised: the journal on the disk and the ledger in memory, kept as one. Whoever opens it closes it. */
export class Book {
  readonly ledger = new Ledger();
  /** Rows that the journal's lines removed, as it was read: their files may still lie there. Whoever has looked empties it. */
  readonly doneAtStart = new Set<number>();
  readonly #takenSince: TakenSince;
  #journal: Journal | undefined;
  #isSealed = false;

  private constructor(takenSince: TakenSince) {
    this.#takenSince = takenSince;
  }

  /** @throws the system's error where the journal can be neither read nor written. */
  static async open(options: BookOptions): Promise<Book> {
    const { takenSince } = options;
    const book = new Book(takenSince);
    const { ledger } = book;
    let dead = 0;
    let copied: (Row | EventRow)[] = [];
    book.#journal = await Journal.open({
      ...options,
      onRecord: (value, place) => {
        const record = asSpoolRecord(value);
        if (!record) return;
        if (record.k === 'done') book.doneAtStart.add(record.n);
        takenSince.see(record);
        dead += ledger.apply(record, place);
      },
      live: () => {
        const { records, rows } = ledger.live();
        copied = rows;
        records.push(...takenSince.live());
        return { records, places: rows.map(({ place }) => place) };
      },
      moved: (places) => {
        for (const [i, row] of copied.entries()) row.place = places[i] ?? row.place;
        copied = [];
      },
    });
    book.#journal.bury(dead);
    return book;
  }

  /** Part of it cannot be read: a file without a record may have been promised all the same. */
  get isDamaged(): boolean {
    return (this.#journal?.damagedLines ?? 0) > 0;
  }

  /** Resolves when the record is on the disk; the ledger knows it then. @throws {SpoolError} */
  async write(record: SpoolRecord): Promise<void> {
    const journal = this.#open;
    const place = await journal.append(record);
    this.#takenSince.see(record);
    journal.bury(this.ledger.apply(record, place));
  }

  /** Something happened, which the relay is to be told. Resolves when it is on the disk. @throws {SpoolError} */
  note(event: CaptureEvent): Promise<void> {
    const id = randomBytes(12).toString('base64url');
    return this.write({ k: 'event', n: this.ledger.nextN(), id, event });
  }

  /** All that was promised about a segment. */
  async segment({ place }: Row): Promise<StoredSegment> {
    const record = asSpoolRecord(await this.#open.read(place));
    if (record?.k !== 'segment') throw changedByOthers();
    return record.segment;
  }

  async event({ place }: EventRow): Promise<CaptureEvent> {
    const record = asSpoolRecord(await this.#open.read(place));
    if (record?.k !== 'event') throw changedByOthers();
    return record.event;
  }

  /** Nothing more is promised. What is being written is written. */
  seal(): void {
    this.#isSealed = true;
  }

  /** Resolves when all that was written is on the disk or has failed. */
  async close(): Promise<void> {
    this.seal();
    await this.#journal?.close();
  }

  get #open(): Journal {
    if (!this.#journal || this.#isSealed) throw new SpoolError('spool-closed', 'the spool is closed');
    return this.#journal;
  }
}

const changedByOthers = () => new SpoolError('spool-failed', 'the journal was changed by others');
