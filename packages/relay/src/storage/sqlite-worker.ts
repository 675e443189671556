import { randomBytes } from 'node:crypto';
import { accessSync, chmodSync, closeSync, constants, existsSync, linkSync, openSync, rmSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import { giveToOwnerOfDirectory } from './owner.ts';
import type {
  Fault,
  Outcome,
  SqliteReply,
  SqliteRequest,
  SqliteStart,
  Statement,
} from './sqlite-messages.ts';

// A thread of its own for the SQLite file: waiting for the disk or for a lock happens here, away from media.

const port = parentPort;
if (!port) throw new Error('sqlite-worker is a thread of the relay, not a program');
const reply = (message: SqliteReply) => port.postMessage(message);

/** The statements are constants of the source; so many there will never be. */
const MOST_PREPARED = 500;
const prepared = new Map<string, StatementSync>();

try {
  const database = open(workerData as SqliteStart);
  port.on('message', (request: SqliteRequest) => {
    if (request.kind === 'close') {
      database.close();
      port.close();
      return;
    }
    const outcomes =
      request.kind === 'plain'
        ? [attempt(database, request.statement)]
        : runGroup(database, request.statements);
    reply({ kind: 'done', outcomes });
  });
  reply({ kind: 'open' });
} catch (error) {
  reply({ kind: 'failed', fault: faultOf(error) });
}

function open({ path, busyTimeoutMs, check }: SqliteStart): DatabaseSync {
  prepareFile(path);
  const database = new DatabaseSync(path, { timeout: busyTimeoutMs });
  try {
    // https://sqlite.org/wal.html: readers and a writer of other processes do not wait for each other.
    database.exec('PRAGMA journal_mode = WAL');
    // https://sqlite.org/pragma.html#pragma_synchronous: in WAL mode only FULL keeps a commit over a power cut.
    database.exec('PRAGMA synchronous = FULL');
    if (check) {
      const found = database.prepare('PRAGMA quick_check(1)').all()[0]?.quick_check;
      if (found !== 'ok') throw Object.assign(new Error(String(found)), { errcode: SQLITE_CORRUPT });
    }
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

const SQLITE_CORRUPT = 11;

/**
 * Makes sure that the file is there, for its owner only, and can be written: SQLite itself would open a file that it
 * cannot write for reading. A file that is there is never opened and closed here: that would drop the locks which
 * another thread of this process holds on it (https://sqlite.org/howtocorrupt.html 2.2).
 */
function prepareFile(path: string): void {
  if (!existsSync(path)) {
    const fresh = `${path}.${randomBytes(4).toString('hex')}`;
    closeSync(openSync(fresh, 'wx', 0o600));
    try {
      giveToOwnerOfDirectory(fresh);
      linkSync(fresh, path);
    } catch (error) {
      // Another process was as quick.
      if (faultOf(error).system !== 'EEXIST') throw error;
    } finally {
      rmSync(fresh);
    }
  }
  for (const file of [path, `${path}-wal`, `${path}-shm`]) {
    if (!existsSync(file)) continue;
    accessSync(file, constants.R_OK | constants.W_OK);
    chmodSync(file, 0o600);
  }
}

/** Group commit: all changes that wait become one transaction, each behind a savepoint of its own. */
function runGroup(database: DatabaseSync, statements: readonly Statement[]): Outcome[] {
  if (statements.length === 1 || !statements.some(changes)) {
    return statements.map((statement) => attempt(database, statement));
  }
  try {
    database.exec('BEGIN IMMEDIATE');
    const outcomes = statements.map((statement) => attemptBehindSavepoint(database, statement));
    database.exec('COMMIT');
    return outcomes;
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    // None of it was kept.
    const fault = faultOf(error);
    return statements.map(() => ({ fault }));
  }
}

function attemptBehindSavepoint(database: DatabaseSync, statement: Statement): Outcome {
  database.exec('SAVEPOINT one');
  const outcome = attempt(database, statement);
  // A full disk or a broken one ends the transaction as a whole.
  if ('fault' in outcome && !database.isTransaction) throw asError(outcome.fault);
  database.exec('fault' in outcome ? 'ROLLBACK TO one; RELEASE one' : 'RELEASE one');
  return outcome;
}

function attempt(database: DatabaseSync, { sql, values, wants }: Statement): Outcome {
  try {
    const statement = prepare(database, sql);
    if (wants === 'changes') return { rows: [], changes: Number(statement.run(...values).changes) };
    return { rows: statement.all(...values).map((row) => ({ ...row })), changes: 0 };
  } catch (error) {
    return { fault: faultOf(error) };
  }
}

function prepare(database: DatabaseSync, sql: string): StatementSync {
  const known = prepared.get(sql);
  if (known) return known;
  if (prepared.size >= MOST_PREPARED) prepared.clear();
  const statement = database.prepare(sql);
  prepared.set(sql, statement);
  return statement;
}

const changes = ({ sql }: Statement): boolean => !/^\s*select\b/i.test(sql);

function faultOf(error: unknown): Fault {
  if (!(error instanceof Error)) return { message: String(error) };
  const { errcode, code } = error as { errcode?: unknown; code?: unknown };
  return {
    ...(typeof errcode === 'number' && { sqlite: errcode }),
    ...(typeof code === 'string' && { system: code }),
    message: error.message,
  };
}

const asError = ({ sqlite, message }: Fault): Error => Object.assign(new Error(message), { errcode: sqlite });
