import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { hasOldFiles } from '../auth/import-files.ts';
import { dataError, RelayError } from '../errors.ts';
import { prepareData } from '../options.ts';
import { addressOf, isThere, noteByHost, openState, type StatePlace } from '../state.ts';
import { backup } from './backup.ts';
import { type CopiedFilms, copyFilms } from './films.ts';
import { type Restored, restore } from './restore.ts';

/** A backup's file; and a directory for the films, which no file of a backup holds. */
export interface BackupPlace extends StatePlace {
  readonly file: string;
  /** Without it films stay where they are. */
  readonly captures?: string | undefined;
}

const filmsOf = (data: string): string => join(data, 'captures', 'films');
const byHost = { who: { kind: 'host' }, from: 'here' } as const;

/**
 * Backs up a relay's state, also while it runs: for `perch relay backup`. Films come last: those that the rows name.
 *
 * @returns how many rows are in the file, and what films were copied.
 * @throws {RelayError} that says what is wrong and what to do; there is no file then.
 */
export async function backupIn(
  place: BackupPlace,
): Promise<{ readonly rows: number; readonly films?: CopiedFilms }> {
  if (!isThere(place)) {
    throw new RelayError(
      'data-denied',
      `No relay has kept anything in ${place.data} yet. Say where it does with --data.`,
    );
  }
  await using database = await openState(place);
  const { file, captures, clock, data } = place;
  const rows = await backup({ database, file, now: clock.wall() });
  const films = await copied(filmsOf(data), captures);
  const detail = `${rows} rows to ${file}${films ? `, films to ${captures}` : ''}`;
  await noteByHost(database, place, { ...byHost, what: 'backup', detail });
  return { rows, ...(films && { films }) };
}

/**
 * Makes a relay's state from a backup, where none is: for `perch relay restore`.
 *
 * @throws {RelayError} that says what is wrong and what to do.
 */
export async function restoreIn(place: BackupPlace): Promise<Restored & { readonly films?: CopiedFilms }> {
  const { file, captures, logger, data } = place;
  if (existsSync(data) && hasOldFiles(data)) {
    throw new RelayError(
      'state-exists',
      `${data} holds a relay's state already, of version 0.1. Choose another directory.`,
    );
  }
  prepareData(data);
  const restored = await restore({ file, address: addressOf(place), logger });
  const films = captures === undefined ? undefined : await copied(captures, filmsOf(data));
  await using database = await openState(place);
  const detail = `the state of ${restored.at}, ${restored.rows} rows, from ${file}`;
  await noteByHost(database, place, { ...byHost, what: 'restore', detail });
  return { ...restored, ...(films && { films }) };
}

/** @throws {RelayError} where it cannot be read or written. */
async function copied(from: string, to: string | undefined): Promise<CopiedFilms | undefined> {
  if (to === undefined) return undefined;
  try {
    return await copyFilms(from, to);
  } catch (error) {
    throw dataError(error, to);
  }
}
