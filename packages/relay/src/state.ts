import { existsSync } from 'node:fs';
import { type Clock, type Logger, millis } from '@perch/runtime';
import { appendEntries } from './audit/append.ts';
import type { Noted } from './audit/audit.ts';
import { tokenMade, tokenRevoked } from './audit/host-notes.ts';
import { nodeOf } from './audit/node.ts';
import { type ChainState, verifyAudit } from './audit/verify.ts';
import { AppSessions } from './auth/app-sessions.ts';
import { hasOldFiles, importFiles } from './auth/import-files.ts';
import { type NewToken, type TokenRecord, Tokens } from './auth/tokens.ts';
import { prepareData } from './options.ts';
import { Households } from './people/households.ts';
import { type DatabaseAddress, parseDatabaseAddress } from './storage/address.ts';
import type { Database } from './storage/database.ts';
import { openDatabase } from './storage/open.ts';

/** Where a relay's state is. */
export interface StatePlace {
  /** The relay's directory. */
  readonly data: string;
  /** Address of its database. Default: `perch.db` in the directory. */
  readonly database?: string | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Opens a relay's database, made if need be, with what version 0.1 kept in files taken over.
 *
 * @param place.check look through a SQLite file for damage first.
 * @throws {RelayError} that says what is wrong and what to do; nothing is left open then.
 */
export async function openState(place: StatePlace & { check?: boolean }): Promise<Database> {
  prepareData(place.data);
  const { check = false, logger } = place;
  const database = await openDatabase({ address: addressOf(place), check, logger });
  try {
    await importFiles({ data: place.data, database, clock: place.clock });
    return database;
  } catch (error) {
    await database.close();
    throw error;
  }
}

export const addressOf = ({ database, data }: StatePlace): DatabaseAddress =>
  parseDatabaseAddress(database, data);

/** Makes a token, also while a relay runs on the same state: for `perch token create`. @returns its secret. */
export async function createTokenIn(place: StatePlace & NewToken): Promise<string> {
  await using database = await openState(place);
  const { secret, record } = await new Tokens({ ...place, database }).create(place);
  await noteByHost(database, place, tokenMade(record));
  return secret;
}

/** The valid tokens: for `perch token list`. Where no relay ever was there are none. */
export async function listTokensIn(place: StatePlace): Promise<readonly TokenRecord[]> {
  if (!isThere(place)) return [];
  await using database = await openState(place);
  return await new Tokens({ ...place, database }).valid();
}

/** Ends a token; a relay that runs obeys within a second: for `perch token revoke`. @returns whether there was one. */
export async function revokeTokenIn(place: StatePlace & { id: string }): Promise<boolean> {
  if (!isThere(place)) return false;
  await using database = await openState(place);
  const token = await new Tokens({ ...place, database }).revoke(place.id);
  if (token) await noteByHost(database, place, tokenRevoked(token));
  return token !== undefined;
}

/** A household that was made, with the secret of the link that signs in its owner. */
export interface NewHousehold {
  readonly id: string;
  readonly name: string;
  readonly secret: string;
  /** Until when the link works, in milliseconds since 1970. */
  readonly expires: number;
}

/** Makes a household: for `perch household create`. @returns `undefined` where there is one of this name. */
export async function createHouseholdIn(
  place: StatePlace & { name: string },
): Promise<NewHousehold | undefined> {
  await using database = await openState(place);
  const made = await new Households({ ...place, database }).create(place.name);
  if (!made) return undefined;
  const { id, name } = made.household;
  const link = { user: made.owner.id, life: millis(7 * 24 * 3_600_000) };
  const { secret, expires } = await new AppSessions({ ...place, database }).newLink(link);
  const detail = `household ${name}; with a sign-in link for its owner`;
  await noteByHost(database, place, {
    who: { kind: 'host' },
    household: id,
    what: 'household-make',
    from: 'here',
    detail,
  });
  return { id, name, secret, expires };
}

/** Looks through the audit, from its first line to its last: for `perch doctor`. `undefined` where there is none. */
export async function verifyAuditIn(place: StatePlace): Promise<readonly ChainState[] | undefined> {
  if (!isThere(place)) return undefined;
  await using database = await openState({ ...place, check: true });
  return await verifyAudit(database);
}

/** What is done on the machine itself, by a program that ends at once: written at once. */
export async function noteByHost(database: Database, place: StatePlace, noted: Noted): Promise<void> {
  const at = Math.floor(place.clock.wall());
  await appendEntries(database, nodeOf(place.data), [{ ...noted, at, outcome: 'done' }]);
}

/** Whether there is any state. To look must not make it. */
export function isThere(place: StatePlace): boolean {
  const address = addressOf(place);
  return address.kind === 'postgres' || existsSync(address.path) || hasOldFiles(place.data);
}
