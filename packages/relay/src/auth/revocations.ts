import type { Clock, Logger, Millis } from '@perch/runtime';
import type { Database, Queries } from '../storage/database.ts';

/** What can be taken away before its time. */
export type Revocable = 'token' | 'session';

export interface Revoked {
  readonly kind: Revocable;
  readonly id: string;
}

/** Nothing lives on what was revoked this long ago: codes and looked-up rights are used within seconds. */
const REMEMBERED_MS = 10 * 60_000;
/** Rows are kept for relays that were away; one that was away for longer has no connections left. */
const KEPT_MS = 24 * 3_600_000;

/**
 * What was revoked, by this relay, another one, or `perch token revoke`: a list in the database that only grows, of
 * which each relay reads what is new. Ids are never used twice, so whatever is in the list has ended for good.
 */
export class Revocations {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #onNews: () => void;
  /** `kind id` → when it was read, on our clock; in that order. */
  readonly #ended = new Map<string, Millis>();
  #seen = 0;
  #reading: Promise<void> | undefined;
  #isOutOfTouch = false;

  /** @param options.onNews called when something has ended. */
  constructor(options: { database: Database; clock: Clock; logger: Logger; onNews: () => void }) {
    this.#database = options.database;
    this.#clock = options.clock;
    this.#logger = options.logger;
    this.#onNews = options.onNews;
  }

  /** Writes down what ends, in the transaction that ends it. */
  static async note(queries: Queries, ended: Revoked, at: number): Promise<void> {
    // The counter's row is held until the end of the transaction, so that numbers become visible in order.
    const [seq = 0] = await queries.query('UPDATE revocation_count SET n = n + 1 RETURNING n', [], (row) =>
      row.number('n'),
    );
    const insert = 'INSERT INTO revocations (seq, kind, id, at) VALUES (?, ?, ?, ?)';
    await queries.execute(insert, [seq, ended.kind, ended.id, at]);
    await queries.execute('DELETE FROM revocations WHERE at < ?', [at - KEPT_MS]);
  }

  /** Finds where the list stands; what is older is not in the tables of rights any more. */
  async open(): Promise<void> {
    const [n = 0] = await this.#database.query('SELECT n FROM revocation_count', [], (row) =>
      row.number('n'),
    );
    this.#seen = n;
  }

  has({ kind, id }: Revoked): boolean {
    return this.#ended.has(`${kind} ${id}`);
  }

  /** Reads what is new. A failure is in the log, once, and what was known before holds. */
  poll(): Promise<void> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #read(): Promise<void> {
    try {
      const news = await this.#database.query(
        'SELECT seq, kind, id FROM revocations WHERE seq > ? ORDER BY seq',
        [this.#seen],
        (row) => ({ seq: row.number('seq'), key: `${row.text('kind')} ${row.text('id')}` }),
      );
      this.#isOutOfTouch = false;
      this.#forget();
      for (const { seq, key } of news) {
        this.#seen = seq;
        this.#ended.set(key, this.#clock.now());
      }
      if (news.length > 0) this.#onNews();
    } catch (error) {
      if (this.#isOutOfTouch) return;
      this.#isOutOfTouch = true;
      this.#logger.error('it cannot be seen what was revoked; connections stay until it can', {
        error: error instanceof Error ? error.message : String(error),
      });
    }
  }

  #forget(): void {
    const oldest = this.#clock.now() - REMEMBERED_MS;
    for (const [key, at] of this.#ended) {
      if (at > oldest) return;
      this.#ended.delete(key);
    }
  }
}
