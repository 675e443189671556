import { RelayError } from '../errors.ts';
import type { Database, Queries } from './database.ts';
import type { Migration } from './migration.ts';
import { migrations as ours } from './migrations/index.ts';

/** Any number, the same in every relay: whoever holds it makes the tables. */
const ADVISORY_LOCK = 7_246_853;

/**
 * Brings the tables to this version of Perch, forward only, each step wholly or not at all. Several processes may do it
 * at once: one does the work, the others wait and find it done.
 *
 * @throws {RelayError} `data-newer` where a newer version was here before.
 */
export async function migrate(database: Database, migrations: readonly Migration[] = ours): Promise<void> {
  for (let isDone = false; !isDone; ) {
    isDone = await database.transaction(async (queries) => {
      if (database.dialect === 'postgres') {
        // SQLite's transactions hold the one lock for writing from their begin.
        await queries.query('SELECT pg_advisory_xact_lock(?)', [ADVISORY_LOCK], () => undefined);
      }
      const version = await versionOf(queries);
      if (version > migrations.length) throw isNewer(database, version, migrations.length);
      for (const sql of migrations[version] ?? []) await queries.execute(sql);
      if (version < migrations.length)
        await queries.execute('UPDATE perch_schema SET version = ?', [version + 1]);
      return version + 1 >= migrations.length;
    });
  }
}

async function versionOf(queries: Queries): Promise<number> {
  await queries.execute('CREATE TABLE IF NOT EXISTS perch_schema (version BIGINT NOT NULL)');
  const read = () => queries.query('SELECT version FROM perch_schema', [], (row) => row.number('version'));
  const [version] = await read();
  if (version !== undefined) return version;
  await queries.execute('INSERT INTO perch_schema (version) VALUES (0)');
  return 0;
}

const isNewer = ({ place }: Database, version: number, known: number): RelayError =>
  new RelayError(
    'data-newer',
    `The database ${place} was written by a newer version of Perch (its tables are version ${version}, this one knows ${known}). Install that version again, or choose another directory with --data.`,
  );
