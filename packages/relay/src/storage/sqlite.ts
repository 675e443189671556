import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { dataError, RelayError } from '../errors.ts';
import type { Database, Queries, Value } from './database.ts';
import { Row } from './row.ts';
import type {
  Fault,
  Outcome,
  SqliteReply,
  SqliteRequest,
  SqliteStart,
  Statement,
} from './sqlite-messages.ts';

export interface SqliteOptions {
  readonly path: string;
  /** How long to wait for another process's lock. Default 5 s. */
  readonly busyTimeoutMs?: number;
  /** Look through the whole file for damage first. Default: no. */
  readonly check?: boolean;
}

/** So many statements may wait; more are refused with `storage-busy`. */
const MOST_WAITING = 10_000;
/** So many are done in one go, so that one slow answer does not become everybody's. */
const MOST_AT_ONCE = 256;

/** Beside this file, in the source as in the bundle. */
const workerFile = new URL(`./sqlite-worker${extname(import.meta.filename)}`, import.meta.url);

/**
 * Opens a SQLite file, which is made if need be, in a thread of its own.
 *
 * @throws {RelayError} where it is locked, damaged, or cannot be written; nothing is left open then.
 */
export async function openSqlite(options: SqliteOptions): Promise<Database> {
  const { path, busyTimeoutMs = 5_000, check = false } = options;
  const workerData: SqliteStart = { path, busyTimeoutMs, check };
  const worker = new Worker(workerFile, { workerData, name: 'sqlite', execArgv: [] });
  const thread = new SqliteThread(worker, path);
  await thread.opened;
  return new SqliteDatabase(thread, path);
}

/** What waits for its turn: a statement by itself, or a transaction. */
type Task =
  | { readonly kind: 'statement'; readonly statement: Statement; readonly settle: (outcome: Outcome) => void }
  | { readonly kind: 'transaction'; readonly run: () => Promise<void> };

class SqliteDatabase implements Database {
  readonly dialect = 'sqlite';
  readonly place: string;
  readonly #thread: SqliteThread;
  readonly #tasks: Task[] = [];
  #isPumping = false;
  #closing: Promise<void> | undefined;

  constructor(thread: SqliteThread, place: string) {
    this.#thread = thread;
    this.place = place;
  }

  async query<T>(sql: string, values: readonly Value[], decode: (row: Row) => T): Promise<T[]> {
    const { rows } = await this.#enqueue({ sql, values, wants: 'rows' });
    return rows.map((row) => decode(new Row(row)));
  }

  async execute(sql: string, values: readonly Value[] = []): Promise<number> {
    return (await this.#enqueue({ sql, values, wants: 'changes' })).changes;
  }

  async transaction<T>(work: (queries: Queries) => Promise<T>): Promise<T> {
    this.#checkRoom();
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const run = () => this.#runTransaction(work).then(resolve, reject);
    this.#add({ kind: 'transaction', run });
    return promise;
  }

  close(): Promise<void> {
    if (!this.#closing) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#tasks.push({ kind: 'transaction', run: () => this.#thread.close().then(resolve) });
      this.#closing = promise;
      this.#startPump();
    }
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #enqueue(statement: Statement) {
    this.#checkRoom();
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    this.#add({ kind: 'statement', statement, settle: resolve });
    return this.#thread.successOf(await promise);
  }

  #checkRoom(): void {
    if (this.#closing) throw new RelayError('storage-closed', `The database ${this.place} is closed.`);
    if (this.#tasks.length < MOST_WAITING) return;
    throw new RelayError(
      'storage-busy',
      `${MOST_WAITING} changes wait for the database ${this.place}. Is the disk slow, or held by another program?`,
    );
  }

  #add(task: Task): void {
    this.#tasks.push(task);
    this.#startPump();
  }

  #startPump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    // In a turn of its own, so that whatever is asked in this one goes together.
    queueMicrotask(() => void this.#pump());
  }

  /** Hands the thread one piece of work after the other; it rejects nowhere. */
  async #pump(): Promise<void> {
    for (let task = this.#tasks[0]; task; task = this.#tasks[0]) {
      if (task.kind === 'transaction') {
        this.#tasks.shift();
        await task.run();
      } else {
        await this.#runStatements();
      }
    }
    this.#isPumping = false;
  }

  /** All statements up to the next transaction, in one go. */
  async #runStatements(): Promise<void> {
    const end = this.#tasks.findIndex(({ kind }, i) => kind === 'transaction' || i >= MOST_AT_ONCE);
    const tasks = this.#tasks.splice(0, end < 0 ? this.#tasks.length : end).filter(isStatement);
    const outcomes = await this.#thread.ask({ kind: 'group', statements: tasks.map((t) => t.statement) });
    for (const [i, task] of tasks.entries()) task.settle(outcomes[i] ?? SILENCE);
  }

  async #runTransaction<T>(work: (queries: Queries) => Promise<T>): Promise<T> {
    // Takes the lock for writing at once: a read that becomes a change later could not be repeated.
    await this.#thread.plain('BEGIN IMMEDIATE');
    const queries = new TransactionQueries(this.#thread);
    try {
      const result = await work(queries);
      queries.end();
      await this.#thread.plain('COMMIT');
      return result;
    } catch (error) {
      queries.close();
      // Where the failure itself ended the transaction there is nothing to roll back.
      await this.#thread.plain('ROLLBACK').catch(() => undefined);
      throw error;
    }
  }
}

const isStatement = (task: Task) => task.kind === 'statement';
const SILENCE: Outcome = { fault: { message: 'no answer' } };

/** The statements inside a transaction. */
class TransactionQueries implements Queries {
  readonly #thread: SqliteThread;
  #failure: unknown;
  #isOver = false;

  constructor(thread: SqliteThread) {
    this.#thread = thread;
  }

  async query<T>(sql: string, values: readonly Value[], decode: (row: Row) => T): Promise<T[]> {
    const { rows } = await this.#run({ sql, values, wants: 'rows' });
    return rows.map((row) => decode(new Row(row)));
  }

  async execute(sql: string, values: readonly Value[] = []): Promise<number> {
    return (await this.#run({ sql, values, wants: 'changes' })).changes;
  }

  /** No more statements. @throws what a statement threw: then nothing may be kept. */
  end(): void {
    this.close();
    if (this.#failure !== undefined) throw this.#failure;
  }

  close(): void {
    this.#isOver = true;
  }

  async #run(statement: Statement) {
    if (this.#isOver) throw new TypeError('queries: this transaction is over');
    if (this.#failure !== undefined) throw this.#failure;
    try {
      const [outcome = SILENCE] = await this.#thread.ask({ kind: 'plain', statement });
      return this.#thread.successOf(outcome);
    } catch (error) {
      this.#failure = error;
      throw error;
    }
  }
}

/** The thread: answers in the order of the questions. */
class SqliteThread {
  readonly opened: Promise<void>;
  readonly #worker: Worker;
  readonly #path: string;
  readonly #exited: Promise<void>;
  /** Who waits for an answer, in order, and for how many outcomes. */
  readonly #asked: { readonly count: number; settle(outcomes: readonly Outcome[]): void }[] = [];
  #fault: Fault | undefined;

  constructor(worker: Worker, path: string) {
    this.#worker = worker;
    this.#path = path;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.opened = promise;
    this.#exited = new Promise((exited) => {
      worker.once('exit', () => {
        this.#fault ??= { message: 'its thread has ended' };
        for (const { count, settle } of this.#asked.splice(0)) settle(failures(this.#fault, count));
        reject(sqliteError(this.#fault, path));
        exited();
      });
    });
    worker.on('error', (error) => {
      this.#fault = { message: error instanceof Error ? error.message : String(error) };
    });
    worker.on('message', (message: SqliteReply) => {
      if (message.kind === 'done') this.#asked.shift()?.settle(message.outcomes);
      else if (message.kind === 'open') resolve();
      else this.#fault = message.fault;
    });
  }

  ask(request: SqliteRequest): Promise<readonly Outcome[]> {
    const count = request.kind === 'group' ? request.statements.length : 1;
    if (this.#fault) return Promise.resolve(failures(this.#fault, count));
    return new Promise((settle) => {
      this.#asked.push({ count, settle });
      this.#worker.postMessage(request);
    });
  }

  async plain(sql: string): Promise<void> {
    const [outcome = SILENCE] = await this.ask({
      kind: 'plain',
      statement: { sql, values: [], wants: 'changes' },
    });
    this.successOf(outcome);
  }

  /** @throws {RelayError} where the outcome is a fault. */
  successOf(outcome: Outcome) {
    if ('fault' in outcome) throw sqliteError(outcome.fault, this.#path);
    return outcome;
  }

  async close(): Promise<void> {
    const request: SqliteRequest = { kind: 'close' };
    this.#worker.postMessage(request);
    await this.#exited;
  }
}

const failures = (fault: Fault, count: number): Outcome[] => Array<Outcome>(count).fill({ fault });

/** https://sqlite.org/rescode.html, as one of ours. */
function sqliteError(fault: Fault, path: string): RelayError {
  const cause = { cause: new Error(fault.message) };
  switch ((fault.sqlite ?? 0) & 0xff) {
    case 5: // SQLITE_BUSY
    case 6: // SQLITE_LOCKED
      return new RelayError(
        'data-locked',
        `The database ${path} is locked by another program. Close what has it open (a database browser, a copy that hangs) and try again.`,
        cause,
      );
    case 3: // SQLITE_PERM
    case 8: // SQLITE_READONLY
    case 14: // SQLITE_CANTOPEN
      return new RelayError(
        'data-denied',
        `The database ${path} cannot be written (${fault.message}). Give this user the right to write it and its directory, or choose another with --data or --database.`,
        cause,
      );
    case 11: // SQLITE_CORRUPT
    case 26: // SQLITE_NOTADB
      return new RelayError(
        'data-damaged',
        `The database ${path} is damaged (${fault.message}). Nothing was changed. Put back a copy from before, or move it away to begin with an empty one.`,
        cause,
      );
    case 13: // SQLITE_FULL
      return new RelayError(
        'disk-full',
        `The disk with the database ${path} is full. Nothing that was kept is lost; make room and try again.`,
        cause,
      );
    case 19: // SQLITE_CONSTRAINT
      return new RelayError(
        'storage-conflict',
        `This is there already, or may not be: ${fault.message}`,
        cause,
      );
    default:
      if (fault.system !== undefined && fault.sqlite === undefined) {
        return dataError(Object.assign(new Error(fault.message), { code: fault.system }), path);
      }
      return new RelayError('storage-failed', `The database ${path} failed: ${fault.message}`, cause);
  }
}
