import type { Logger } from '@perch/runtime';
import type { DatabaseAddress } from './address.ts';
import type { Database } from './database.ts';
import { migrate } from './migrate.ts';
import { openPostgres } from './postgres.ts';
import { openSqlite } from './sqlite.ts';

export interface OpenDatabaseOptions {
  readonly address: DatabaseAddress;
  /** Look through a SQLite file for damage first. Default: no. */
  readonly check?: boolean;
  readonly logger: Logger;
}

/**
 * Opens the database and brings its tables to this version.
 *
 * @throws {RelayError} that says what is wrong and what to do; nothing is left open then.
 */
export async function openDatabase({ address, check, logger }: OpenDatabaseOptions): Promise<Database> {
  const database =
    address.kind === 'sqlite'
      ? await openSqlite({ path: address.path, ...(check !== undefined && { check }) })
      : await openPostgres({ url: address.url, place: address.place, logger });
  try {
    await migrate(database);
    return database;
  } catch (error) {
    await database.close();
    throw error;
  }
}
