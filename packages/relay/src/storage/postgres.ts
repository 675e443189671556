import type { Logger } from '@perch/runtime';
import pg from 'pg';
import { RelayError, systemCode } from '../errors.ts';
import type { Database, Queries, Value } from './database.ts';
import { Row } from './row.ts';

export interface PostgresOptions {
  /** With user name and password. */
  readonly url: string;
  /** The same for people. */
  readonly place: string;
  readonly logger: Logger;
  /** Connections at most. Default 8. */
  readonly connections?: number;
}

const CONNECT_TIMEOUT_MS = 5_000;
/** One statement may take so long; the server ends it. */
const STATEMENT_TIMEOUT_MS = 10_000;
/** An answer that does not come at all (the server is gone without a word). */
const ANSWER_TIMEOUT_MS = 15_000;
/** So many questions may be open; more are refused with `storage-busy`. */
const MOST_WAITING = 10_000;

/** Whole numbers are 64 bits there; ours fit a double. */
const types = new pg.TypeOverrides();
types.setTypeParser(pg.types.builtins.INT8, Number);

/**
 * Connects to a PostgreSQL server.
 *
 * @throws {RelayError} `database-unreachable` or `database-denied`; nothing is left open then.
 */
export async function openPostgres(options: PostgresOptions): Promise<Database> {
  const { url, place, logger, connections = 8 } = options;
  let pool: pg.Pool;
  try {
    pool = new pg.Pool({
      connectionString: url,
      max: connections,
      types,
      application_name: 'perch',
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      statement_timeout: STATEMENT_TIMEOUT_MS,
      query_timeout: ANSWER_TIMEOUT_MS,
      keepAlive: true,
    });
  } catch (error) {
    // Its words may repeat the address with the password.
    const code = systemCode(error) ?? 'it has an option that cannot be used';
    throw new TypeError(`database: ${place} cannot be understood (${code})`);
  }
  // A connection that breaks while nobody uses it: the pool makes a new one when one is needed.
  pool.on('error', (error) => logger.warn('a connection to the database broke', { error: error.message }));
  const database = new PostgresDatabase(pool, place);
  try {
    await database.query('SELECT 1 AS one', [], (row) => row.number('one'));
    return database;
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** What the pool and a connection of it have in common. */
interface Runner {
  query(config: { name?: string; text: string; values: unknown[] }): Promise<pg.QueryResult>;
}

class PostgresQueries implements Queries {
  readonly #runner: Runner;
  readonly #place: string;
  #failure: unknown;
  #isOver = false;

  constructor(runner: Runner, place: string) {
    this.#runner = runner;
    this.#place = place;
  }

  async query<T>(sql: string, values: readonly Value[], decode: (row: Row) => T): Promise<T[]> {
    return (await this.#run(sql, values)).rows.map((row: Record<string, unknown>) => decode(new Row(row)));
  }

  async execute(sql: string, values: readonly Value[] = []): Promise<number> {
    return (await this.#run(sql, values)).rowCount ?? 0;
  }

  /** No more statements. @throws what a statement threw: then nothing may be kept. */
  end(): void {
    this.close();
    if (this.#failure !== undefined) throw this.#failure;
  }

  close(): void {
    this.#isOver = true;
  }

  async #run(sql: string, values: readonly Value[]): Promise<pg.QueryResult> {
    if (this.#isOver) throw new TypeError('queries: this transaction is over');
    if (this.#failure !== undefined) throw this.#failure;
    try {
      return await this.#runner.query({ text: numbered(sql), values: [...values] });
    } catch (error) {
      this.#failure = postgresError(error, this.#place);
      throw this.#failure;
    }
  }
}

class PostgresDatabase implements Database {
  readonly dialect = 'postgres';
  readonly place: string;
  readonly #pool: pg.Pool;
  /** What was asked and is not answered. */
  readonly #asked = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  constructor(pool: pg.Pool, place: string) {
    this.#pool = pool;
    this.place = place;
  }

  query<T>(sql: string, values: readonly Value[], decode: (row: Row) => T): Promise<T[]> {
    return this.#ask(() => new PostgresQueries(this.#pool, this.place).query(sql, values, decode));
  }

  execute(sql: string, values: readonly Value[] = []): Promise<number> {
    return this.#ask(() => new PostgresQueries(this.#pool, this.place).execute(sql, values));
  }

  transaction<T>(work: (queries: Queries) => Promise<T>): Promise<T> {
    return this.#ask(() => this.#runTransaction(work));
  }

  close(): Promise<void> {
    // The pool forgets whoever waits for a connection when it ends, so it ends after them.
    this.#closing ??= Promise.allSettled(this.#asked).then(() => this.#pool.end());
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #runTransaction<T>(work: (queries: Queries) => Promise<T>): Promise<T> {
    const connection = await this.#connect();
    const queries = new PostgresQueries(connection, this.place);
    let broken: Error | undefined;
    try {
      await this.#command(connection, 'BEGIN');
      const result = await work(queries);
      queries.end();
      await this.#command(connection, 'COMMIT');
      return result;
    } catch (error) {
      queries.close();
      await connection.query('ROLLBACK').catch((failure: Error) => {
        broken = failure;
      });
      throw error;
    } finally {
      // A connection that could not even roll back is not used again.
      connection.release(broken);
    }
  }

  async #connect(): Promise<pg.PoolClient> {
    try {
      return await this.#pool.connect();
    } catch (error) {
      throw postgresError(error, this.place);
    }
  }

  async #command(connection: pg.PoolClient, sql: 'BEGIN' | 'COMMIT'): Promise<void> {
    try {
      await connection.query(sql);
    } catch (error) {
      throw postgresError(error, this.place);
    }
  }

  /** Asks, unless the database is closed or too much waits. */
  async #ask<T>(question: () => Promise<T>): Promise<T> {
    if (this.#closing) throw new RelayError('storage-closed', `The database ${this.place} is closed.`);
    if (this.#asked.size >= MOST_WAITING) {
      throw new RelayError(
        'storage-busy',
        `${MOST_WAITING} changes wait for the database ${this.place}. Is the server slow, or the network?`,
      );
    }
    const answer = question();
    this.#asked.add(answer);
    try {
      return await answer;
    } finally {
      this.#asked.delete(answer);
    }
  }
}

/** `?` as `$1`, `$2`, …: no text of ours has a question mark that is none of these. */
function numbered(sql: string): string {
  let n = 0;
  return sql.replace(/\?/g, () => `$${++n}`);
}

/** https://www.postgresql.org/docs/current/errcodes-appendix.html, or the system's code, as one of ours. */
function postgresError(error: unknown, place: string): RelayError {
  if (error instanceof RelayError) return error;
  const cause = { cause: error };
  const why = error instanceof Error ? error.message : String(error);
  const code = systemCode(error) ?? '';
  // 28: authorisation; 42501: insufficient privilege; 3D000: no such database.
  if (code.startsWith('28') || code === '42501' || code === '3D000') {
    return new RelayError(
      'database-denied',
      `The database ${place} refuses (${why}). Correct the user, the password or the database's name in --database; the user must own the database.`,
      cause,
    );
  }
  // 23: integrity constraint violation.
  if (code.startsWith('23')) {
    return new RelayError('storage-conflict', `This is there already, or may not be: ${why}`, cause);
  }
  // 53100: disk full.
  if (code === '53100') {
    return new RelayError(
      'disk-full',
      `The disk of the database ${place} is full. Make room and try again.`,
      cause,
    );
  }
  // 57014: a statement took too long. Five characters of digits and capitals are the server's; others the system's.
  const isServers = /^[0-9A-Z]{5}$/.test(code) && !/^(08|57P)/.test(code);
  if (isServers) return new RelayError('storage-failed', `The database ${place} failed: ${why}`, cause);
  return new RelayError(
    'database-unreachable',
    `The database ${place} does not answer (${why || code}). Does the server run there, and may this machine connect to it?`,
    cause,
  );
}
