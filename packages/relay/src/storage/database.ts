import type { Row } from './row.ts';

/** What a column holds: text, a whole number, or nothing. Times are milliseconds since 1970, yes and no are 1 and 0. */
export type Value = string | number | null;

/** Statements of SQL that both dialects understand, with `?` where a value goes. The text is a constant, never put together. */
export interface Queries {
  /** The rows of a `SELECT`, or of a change with `RETURNING`, each decoded. */
  query<T>(sql: string, values: readonly Value[], decode: (row: Row) => T): Promise<T[]>;
  /** Changes something. @returns how many rows. */
  execute(sql: string, values?: readonly Value[]): Promise<number>;
}

/**
 * Where the relay keeps its state. What a promise has acknowledged is on the disk. Failures are `RelayError`s that say
 * what to do; `storage-conflict` where a row would break a rule of its table.
 */
export interface Database extends Queries, AsyncDisposable {
  readonly dialect: 'sqlite' | 'postgres';
  /** Where it is, for people: without password. */
  readonly place: string;
  /**
   * Does `work` wholly or not at all. With a failed statement in it nothing is kept, even if `work` goes on. Inside,
   * use only the queries that it is given: the database itself waits for the end of the transaction.
   */
  transaction<T>(work: (queries: Queries) => Promise<T>): Promise<T>;
  /** Finishes what was asked before, then lets go of the file or the server. Idempotent. */
  close(): Promise<void>;
}
