import type { Clock, Logger, Millis } from '@perch/runtime';
import type { Database, Queries } from '../storage/database.ts';
import type { Row } from '../storage/row.ts';

/** What can be taken away before its time. */
export type Revocable = 'token' | 'session' | 'user' | 'device' | 'invite' | 'permission';

export interface Revoked {
  readonly kind: Revocable;
  readonly id: string;
}

/** A thing that can be revoked, as one word of those that an authority rests on. */
export const restingOn = ({ kind, id }: Revoked): string => `${kind} ${id}`;

/** Nothing lives on what was revoked this long ago: codes and looked-up rights are used within seconds. */
const REMEMBERED_MS = 10 * 60_000;
/** Rows are kept for relays that were away; one that was away for longer has no connections left. */
const KEPT_MS = 24 * 3_600_000;

/**
 * What was revoked, by this relay, another one, or `perch token revoke`: a numbered list in the database that only
 * grows, of which each relay reads what is new. What can be given again (a permission) is there again each time that it
 * is taken: so whoever looks something up keeps the number that was read last, {@link seen}, and it ends by a later one.
 */
export class Revocations {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #onNews: () => void;
  /** {@link restingOn} → its last number, and when that was read, on our clock; in that order. */
  readonly #ended = new Map<string, { readonly seq: number; readonly at: Millis }>();
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

  /** Reads the latest of the list: a code may be older than this process. What is older nobody can hold any more. */
  async open(): Promise<void> {
    const [n = 0] = await this.#database.query('SELECT n FROM revocation_count', [], (row) =>
      row.number('n'),
    );
    const select = 'SELECT seq, kind, id FROM revocations WHERE seq <= ? AND at >= ? ORDER BY seq';
    const since = Math.floor(this.#clock.wall()) - REMEMBERED_MS;
    for (const news of await this.#database.query(select, [n, since], decodeNews)) this.#take(news);
    this.#seen = n;
  }

  /** The number of the last that was read. Keep what it was before a right is looked up. */
  get seen(): number {
    return this.#seen;
  }

  /** Whether something was revoked at a later number. @param what {@link restingOn}. */
  endedSince(what: string, seq: number): boolean {
    return (this.#ended.get(what)?.seq ?? 0) > seq;
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
        decodeNews,
      );
      this.#isOutOfTouch = false;
      this.#forget();
      for (const each of news) this.#take(each);
      if (news.length > 0) this.#onNews();
    } catch (error) {
      if (this.#isOutOfTouch) return;
      this.#isOutOfTouch = true;
      this.#logger.error('it cannot be seen what was revoked; connections stay until it can', {
        error: error instanceof Error ? error.message : String(error),
      });
    }
  }

  #take({ seq, what }: News): void {
    this.#seen = seq;
    // Deleted first, so that it is among the latest.
    this.#ended.delete(what);
    this.#ended.set(what, { seq, at: this.#clock.now() });
  }

  #forget(): void {
    const oldest = this.#clock.now() - REMEMBERED_MS;
    for (const [key, { at }] of this.#ended) {
      if (at > oldest) return;
      this.#ended.delete(key);
    }
  }
}

interface News {
  readonly seq: number;
  readonly what: string;
}

const decodeNews = (row: Row): News => ({
  seq: row.number('seq'),
  what: `${row.text('kind')} ${row.text('id')}`,
});
