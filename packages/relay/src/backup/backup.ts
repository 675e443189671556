import { createWriteStream } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { dataError, RelayError, systemCode } from '../errors.ts';
import type { Database, Queries } from '../storage/database.ts';
import { openSqlite } from '../storage/sqlite.ts';
import { encodeLine, type RowValues } from './format.ts';
import { type Table, tablesOf } from './tables.ts';

const PAGE = 1_000;

export interface BackupOptions {
  readonly database: Database;
  /** A file that is not there yet. */
  readonly file: string;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/**
 * Writes a relay's state to a file: authorities, people, devices, tokens, sessions, audit, as it was at one moment, while
 * relays go on. Whoever reads the file can be any device and any user: it is for its owner's eyes only. When this
 * resolves the file is whole and on the disk.
 *
 * @returns how many rows are in it.
 * @throws {RelayError} `backup-exists`, `data-denied`, `disk-full`; there is no file then.
 */
export async function backup({ database, file, now }: BackupOptions): Promise<number> {
  const path = resolve(file);
  const handle = await open(path, 'wx', 0o600).catch((error: unknown) => {
    if (systemCode(error) !== 'EEXIST') throw dataError(error, path);
    throw new RelayError(
      'backup-exists',
      `${file} is there already, and a backup overwrites nothing. Choose another name.`,
    );
  });
  try {
    const count = { rows: 0 };
    await atOneMoment(database, path, async (queries) => {
      const lines = Readable.from(encoded(queries, database, now, count));
      await pipeline(lines, createGzip(), createWriteStream('', { fd: handle.fd, autoClose: false }));
    });
    await handle.sync();
    return count.rows;
  } catch (error) {
    await rm(path, { force: true });
    throw systemCode(error) === undefined || error instanceof RelayError ? error : dataError(error, path);
  } finally {
    await handle.close();
  }
}

/** Gives queries that see the database as it is now, whatever is written meanwhile. */
async function atOneMoment(
  database: Database,
  path: string,
  work: (queries: Queries) => Promise<void>,
): Promise<void> {
  if (database.dialect === 'postgres') {
    await database.transaction(async (queries) => {
      await queries.execute('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY');
      await work(queries);
    });
    return;
  }
  // A copy beside the file, in a directory that is ours alone: a long transaction would make the relay's writes wait.
  const directory = await mkdtemp(join(dirname(path), '.perch-backup-'));
  try {
    const copy = join(directory, 'perch.db');
    await database.execute('VACUUM INTO ?', [copy]);
    await using snapshot = await openSqlite({ path: copy });
    await work(snapshot);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function* encoded(
  queries: Queries,
  { dialect }: Database,
  now: number,
  count: { rows: number },
): AsyncGenerator<string> {
  const select = 'SELECT version FROM perch_schema';
  const [tables = 0] = await queries.query(select, [], (row) => row.number('version'));
  yield encodeLine({ kind: 'header', header: { tables, at: new Date(now).toISOString() } });
  for (const table of await tablesOf(queries, dialect)) {
    for await (const rows of pagesOf(queries, table)) {
      count.rows += rows.length;
      // One piece for many rows: each piece costs more than a row does.
      yield rows.map((row) => encodeLine({ kind: 'row', table: table.name, row })).join('');
    }
  }
  yield encodeLine({ kind: 'end', rows: count.rows });
}

/** The names in these statements are those that the database itself has for its tables and columns. */
async function* pagesOf(queries: Queries, { name, key }: Table): AsyncGenerator<readonly RowValues[]> {
  const keys = key.join(', ');
  const order = key.length === 0 ? '' : ` ORDER BY ${keys} LIMIT ${PAGE}`;
  let sql = `SELECT * FROM ${name}${order}`;
  let after: readonly (string | number | null)[] = [];
  for (;;) {
    const rows = await queries.query(sql, after, (row) => row.values());
    yield rows;
    const last = rows.at(-1);
    if (key.length === 0 || rows.length < PAGE || !last) return;
    after = key.map((column) => last[column] ?? null);
    sql = `SELECT * FROM ${name} WHERE (${keys}) > (${key.map(() => '?').join(', ')})${order}`;
  }
}
