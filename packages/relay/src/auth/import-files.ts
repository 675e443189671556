import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '@perch/runtime';
import { dataError, RelayError, systemCode } from '../errors.ts';
import type { Database, Queries } from '../storage/database.ts';
import { checkScope } from './tokens.ts';

// Version 0.1 kept tokens and sessions in JSON files. They are taken over once and renamed.

/** How to bring one entry of a file into the database. @throws an error that says what is wrong with the entry. */
type Take = (entry: Readonly<Record<string, unknown>>, queries: Queries, now: number) => Promise<void>;

const files: Readonly<Record<string, Take>> = {
  async 'tokens.json'(entry, queries) {
    if (!Array.isArray(entry.scope)) throw new Error('"scope" must be a list');
    await queries.execute(
      `INSERT INTO tokens (id, hash, topic, scope, created, expires) VALUES (?, ?, ?, ?, ?, ?)
        ON CONFLICT DO NOTHING`,
      [
        text(entry, 'id'),
        text(entry, 'hash'),
        text(entry, 'topic'),
        checkScope(entry.scope).join(' '),
        date(entry, 'created'),
        date(entry, 'expires'),
      ],
    );
  },
  async 'app-sessions.json'(entry, queries, now) {
    await queries.execute(
      `INSERT INTO app_sessions (id, hash, created, expires, address, user_agent, user_id)
        VALUES (?, ?, ?, ?, '', '', 'owner') ON CONFLICT DO NOTHING`,
      [randomBytes(6).toString('hex'), text(entry, 'hash'), now, date(entry, 'expires')],
    );
  },
};

/** Whether the directory has files of version 0.1 that {@link importFiles} would take over. */
export const hasOldFiles = (data: string): boolean =>
  Object.keys(files).some((name) => existsSync(join(data, name)));

/**
 * Takes over the files of version 0.1, each wholly and once, and renames it to `NAME.imported`.
 *
 * @throws {RelayError} `data-damaged` for a file that cannot be understood; it stays as it is.
 */
export async function importFiles(options: {
  data: string;
  database: Database;
  clock: Clock;
}): Promise<void> {
  const now = options.clock.wall();
  for (const [name, take] of Object.entries(files)) {
    const path = join(options.data, name);
    const entries = read(path);
    if (!entries) continue;
    await options.database.transaction(async (queries) => {
      const mark = 'INSERT INTO imports (name, at) VALUES (?, ?) ON CONFLICT DO NOTHING';
      // Taken over before, and only the renaming was cut off: what was revoked since must not come back.
      if ((await queries.execute(mark, [path, now])) === 0) return;
      for (const [i, entry] of entries.entries()) {
        try {
          await take(entry as Readonly<Record<string, unknown>>, queries, now);
        } catch (error) {
          throw error instanceof RelayError
            ? error
            : damaged(path, `entry ${i}: ${(error as Error).message}`);
        }
      }
    });
    try {
      renameSync(path, `${path}.imported`);
    } catch (error) {
      // Another process was as quick, and has renamed it.
      if (systemCode(error) !== 'ENOENT') throw dataError(error, path);
    }
  }
}

function read(path: string): readonly unknown[] | undefined {
  let content: string;
  try {
    content = readFileSync(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw dataError(error, path);
  }
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch (error) {
    throw damaged(path, (error as Error).message);
  }
  if (!Array.isArray(value) || value.some((entry) => typeof entry !== 'object' || entry === null)) {
    throw damaged(path, 'it must be a list of entries');
  }
  return value;
}

const damaged = (path: string, why: string): RelayError =>
  new RelayError(
    'data-damaged',
    `${path} cannot be understood (${why}). Put it right or remove it; a copy from before a change may help.`,
  );

function text(entry: Readonly<Record<string, unknown>>, key: string): string {
  const value = entry[key];
  if (typeof value === 'string' && value !== '') return value;
  throw new Error(`"${key}" must be text`);
}

function date(entry: Readonly<Record<string, unknown>>, key: string): number {
  const value = Date.parse(text(entry, key));
  if (Number.isNaN(value)) throw new Error(`"${key}" must be a date`);
  return value;
}
