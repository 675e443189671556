import { existsSync } from 'node:fs';
import { hasOldFiles } from '../auth/import-files.ts';
import { RelayError } from '../errors.ts';
import { prepareData } from '../options.ts';
import { addressOf, isThere, noteByHost, openState, type StatePlace } from '../state.ts';
import { backup } from './backup.ts';
import { type Restored, restore } from './restore.ts';

const byHost = { who: { kind: 'host' }, from: 'here' } as const;

/**
 * Backs up a relay's state, also while it runs: for `perch relay backup`.
 *
 * @returns how many rows are in the file.
 * @throws {RelayError} that says what is wrong and what to do; there is no file then.
 */
export async function backupIn(place: StatePlace & { file: string }): Promise<number> {
  if (!isThere(place)) {
    throw new RelayError(
      'data-denied',
      `No relay has kept anything in ${place.data} yet. Say where it does with --data.`,
    );
  }
  await using database = await openState(place);
  const { file, clock } = place;
  const rows = await backup({ database, file, now: clock.wall() });
  await noteByHost(database, place, { ...byHost, what: 'backup', detail: `${rows} rows to ${file}` });
  return rows;
}

/**
 * Makes a relay's state from a backup, where none is: for `perch relay restore`.
 *
 * @throws {RelayError} that says what is wrong and what to do.
 */
export async function restoreIn(place: StatePlace & { file: string }): Promise<Restored> {
  const { file, logger, data } = place;
  if (existsSync(data) && hasOldFiles(data)) {
    throw new RelayError(
      'state-exists',
      `${data} holds a relay's state already, of version 0.1. Choose another directory.`,
    );
  }
  prepareData(data);
  const restored = await restore({ file, address: addressOf(place), logger });
  await using database = await openState(place);
  const detail = `the state of ${restored.at}, ${restored.rows} rows, from ${file}`;
  await noteByHost(database, place, { ...byHost, what: 'restore', detail });
  return restored;
}
