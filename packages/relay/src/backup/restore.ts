import { createReadStream, existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import type { Logger } from '@perch/runtime';
import { RelayError, systemCode } from '../errors.ts';
import type { DatabaseAddress } from '../storage/address.ts';
import type { Database, Queries } from '../storage/database.ts';
import { migrate } from '../storage/migrate.ts';
import { migrations } from '../storage/migrations/index.ts';
import { openPostgres } from '../storage/postgres.ts';
import { openSqlite } from '../storage/sqlite.ts';
import { decodeLine, type Header, type Line } from './format.ts';
import { tablesOf } from './tables.ts';

/** No row of ours is longer. */
const MOST_LINE_CHARS = 16 * 1024 * 1024;

export interface RestoreOptions {
  readonly file: string;
  /** Where no relay has been yet. */
  readonly address: DatabaseAddress;
  readonly logger: Logger;
}

export interface Restored extends Header {
  readonly rows: number;
}

/**
 * Makes the state of a relay from a backup, which may be of the other kind of database, and of an older version. The
 * whole file is read and checked before anything is made.
 *
 * @throws {RelayError} `backup-damaged`, `data-newer`, `state-exists`: nothing was changed then.
 */
export async function restore({ file, address, logger }: RestoreOptions): Promise<Restored> {
  const { header, rows } = await check(file);
  if (header.tables > migrations.length) {
    throw new RelayError(
      'data-newer',
      `${file} was made by a newer version of Perch (its tables are version ${header.tables}, this one knows ${migrations.length}). Install that version, or a later one.`,
    );
  }
  await (address.kind === 'sqlite'
    ? restoreSqlite(address.path, file, header)
    : restorePostgres(address, file, header, logger));
  return { ...header, rows };
}

/** Into a file beside it, which gets its name when all is there. */
async function restoreSqlite(path: string, file: string, header: Header): Promise<void> {
  if (existsSync(path)) throw isThere(path);
  const fresh = `${path}.restoring`;
  const parts = [fresh, `${fresh}-wal`, `${fresh}-shm`];
  const remove = () => Promise.all(parts.map((part) => rm(part, { force: true })));
  await remove();
  try {
    const database = await openSqlite({ path: fresh });
    try {
      await fill(database, file, header);
    } finally {
      await database.close();
    }
    if (existsSync(path)) throw isThere(path);
    await rename(fresh, path);
  } catch (error) {
    await remove();
    throw error;
  }
}

async function restorePostgres(
  { url, place }: DatabaseAddress & { kind: 'postgres' },
  file: string,
  header: Header,
  logger: Logger,
): Promise<void> {
  await using database = await openPostgres({ url, place, logger });
  const select = `SELECT count(*)::int AS n FROM information_schema.tables
    WHERE table_schema = current_schema() AND table_name = 'perch_schema'`;
  const [n] = await database.query(select, [], (row) => row.number('n'));
  if (n !== 0) throw isThere(place);
  await fill(database, file, header);
}

async function fill(database: Database, file: string, header: Header): Promise<void> {
  // The tables as they were then; what they have become since is made with the rows in them.
  await migrate(database, migrations.slice(0, header.tables));
  await database.transaction((queries) => insertAll(queries, database.dialect, file));
  await migrate(database);
}

async function insertAll(queries: Queries, dialect: Database['dialect'], file: string): Promise<void> {
  const tables = await tablesOf(queries, dialect);
  // What the migrations put in is in the backup too, as it has become.
  for (const { name } of tables) await queries.execute(`DELETE FROM ${name}`);
  const known = new Map(tables.map((table) => [table.name, table.columns]));
  await eachLine(file, async (line) => {
    if (line.kind !== 'row') return;
    const columns = Object.keys(line.row);
    const inTable = known.get(line.table) ?? [];
    if (columns.length === 0 || !columns.every((column) => inTable.includes(column))) {
      throw damaged(file, `the table ${line.table.slice(0, 64)} is not as it was in that version`);
    }
    const places = columns.map(() => '?').join(', ');
    const sql = `INSERT INTO ${line.table} (${columns.join(', ')}) VALUES (${places})`;
    await queries.execute(
      sql,
      columns.map((column) => line.row[column] ?? null),
    );
  });
}

/** Reads it to its end. */
async function check(file: string): Promise<{ header: Header; rows: number }> {
  let header: Header | undefined;
  let rows = 0;
  let end: number | undefined;
  await eachLine(file, async (line) => {
    if (end !== undefined || (line.kind === 'header') !== (header === undefined)) {
      throw damaged(file, 'its lines are not in order');
    }
    if (line.kind === 'header') header = line.header;
    else if (line.kind === 'row') rows++;
    else end = line.rows;
  });
  if (!header || end !== rows) throw damaged(file, 'its end is missing');
  return { header, rows };
}

async function eachLine(file: string, take: (line: Line) => Promise<void>): Promise<void> {
  const read = async (source: AsyncIterable<Buffer>) => {
    for await (const text of linesOf(source)) await take(decode(file, text));
  };
  try {
    await pipeline(createReadStream(file), createGunzip(), read);
  } catch (error) {
    if (error instanceof RelayError) throw error;
    if (['ENOENT', 'EACCES', 'EISDIR'].includes(systemCode(error) ?? '')) {
      throw new RelayError('data-denied', `${file} cannot be read: ${(error as Error).message}`, {
        cause: error,
      });
    }
    throw damaged(file, error instanceof Error ? error.message : String(error));
  }
}

async function* linesOf(source: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const utf8 = new TextDecoder('utf-8', { fatal: true });
  let rest = '';
  for await (const chunk of source) {
    const [first = '', ...lines] = utf8.decode(chunk, { stream: true }).split('\n');
    rest += first;
    if (rest.length > MOST_LINE_CHARS)
      throw new TypeError(`a line has more than ${MOST_LINE_CHARS} characters`);
    for (const line of lines) {
      yield rest;
      rest = line;
    }
  }
  if (rest + utf8.decode() !== '') throw new TypeError('its last line is not whole');
}

function decode(file: string, text: string): Line {
  try {
    return decodeLine(text);
  } catch (error) {
    throw damaged(file, (error as Error).message);
  }
}

const damaged = (file: string, why: string): RelayError =>
  new RelayError(
    'backup-damaged',
    `${file} is no whole backup: ${why}. Nothing was restored; take another one.`,
  );

const isThere = (place: string): RelayError =>
  new RelayError(
    'state-exists',
    `${place} holds a relay's state already, and a restore overwrites nothing. Choose another place, or move that away.`,
  );
