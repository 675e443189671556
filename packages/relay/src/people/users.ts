import { randomBytes } from 'node:crypto';
import type { Clock } from '@perch/runtime';
import { Revocations } from '../auth/revocations.ts';
import { RelayError } from '../errors.ts';
import type { Database, Queries } from '../storage/database.ts';
import { nameKey } from './names.ts';
import {
  allowedOn,
  decodePermissions,
  EVERY_DEVICE,
  isAtLeast,
  type Permission,
  type Role,
} from './permissions.ts';
import { decodeUser, type User } from './user.ts';

/** So many may be in a household. */
const MOST_USERS = 500;
/** So many devices may have a list of their own for one user. */
const MOST_LISTS = 500;
const NO_OWNER = 'The household has no owner in the database. Put back a copy from before.';

/** Lists of permissions to change, by device or `*`; `undefined`: no list of its own any more. */
export type PermissionChanges = ReadonlyMap<string, readonly Permission[] | undefined>;

export interface UserChange {
  /** Clean: `cleanName`. */
  readonly name?: string | undefined;
  readonly role?: Role | undefined;
  readonly permissions?: PermissionChanges | undefined;
}

/** Why somebody was not taken in, changed or removed. */
export type Hindrance = 'absent' | 'name-taken' | 'last-owner' | 'too-many';

/** The people of all households. What is taken from somebody ends what rests on it, within a second. */
export class Users {
  readonly #database: Database;
  readonly #clock: Clock;

  constructor(options: { database: Database; clock: Clock }) {
    this.#database = options.database;
    this.#clock = options.clock;
  }

  find(id: string): Promise<User | undefined> {
    return findUser(this.#database, id);
  }

  /** Everybody of a household, who is there longest first. */
  async list(household: string): Promise<User[]> {
    const select = 'SELECT * FROM users WHERE household = ? ORDER BY created, id';
    const users = await this.#database.query(select, [household], decodeUser);
    const selectLists = `SELECT user_id, device, permissions FROM user_permissions
      WHERE user_id IN (SELECT id FROM users WHERE household = ?) ORDER BY user_id, device`;
    const lists = await this.#database.query(selectLists, [household], (row) => ({
      user: row.text('user_id'),
      device: row.text('device'),
      permissions: decodePermissions(row.text('permissions')),
    }));
    const byUser = Map.groupBy(lists, ({ user }) => user);
    return users.map((user) => {
      const own = byUser.get(user.id) ?? [];
      return { ...user, permissions: new Map(own.map(({ device, permissions }) => [device, permissions])) };
    });
  }

  /** The owner who is there longest: for the link that the machine's owner gets. There always is one. */
  async firstOwner(household: string): Promise<string> {
    const select = `SELECT id FROM users WHERE household = ? AND role = 'owner' ORDER BY created, id LIMIT 1`;
    const [id] = await this.#database.query(select, [household], (row) => row.text('id'));
    if (id === undefined) throw new RelayError('data-damaged', NO_OWNER);
    return id;
  }

  /** Takes somebody in. @param person.name clean. */
  create(person: { household: string; name: string; role: Role }): Promise<User | Hindrance> {
    return this.#database.transaction(async (queries) => {
      await holdHousehold(queries, person.household);
      return await createUser(queries, person, this.#clock.wall());
    });
  }

  /** Changes somebody of a household. @returns what became of him. */
  change(id: string, household: string, change: UserChange): Promise<User | Hindrance> {
    return this.#database.transaction(async (queries) => {
      await holdHousehold(queries, household);
      const before = await findUser(queries, id);
      if (before?.household !== household) return 'absent';
      if (change.name !== undefined && !(await isFree(queries, household, change.name, id)))
        return 'name-taken';
      const { name = before.name, role = before.role } = change;
      if (role !== 'owner' && (await isLastOwner(queries, before))) return 'last-owner';
      const permissions = new Map(before.permissions);
      for (const [device, list] of change.permissions ?? []) {
        if (list) permissions.set(device, list);
        else permissions.delete(device);
      }
      if (permissions.size > MOST_LISTS) return 'too-many';
      const after: User = { ...before, name, role, permissions };
      const update = 'UPDATE users SET name = ?, name_key = ?, role = ? WHERE id = ?';
      await queries.execute(update, [name, nameKey(name), role, id]);
      for (const device of change.permissions?.keys() ?? []) {
        await keepList(queries, id, device, permissions.get(device));
      }
      await this.#noteTaken(queries, before, after);
      return after;
    });
  }

  /** Removes somebody, with all that he signs in by, and the tokens that he made. @returns who that was. */
  remove(id: string, household: string): Promise<User | Hindrance> {
    return this.#database.transaction(async (queries) => {
      await holdHousehold(queries, household);
      const user = await findUser(queries, id);
      if (user?.household !== household) return 'absent';
      if (await isLastOwner(queries, user)) return 'last-owner';
      const now = this.#clock.wall();
      const remove = 'DELETE FROM tokens WHERE made_by = ? RETURNING id';
      for (const token of await queries.query(remove, [id], (row) => row.text('id'))) {
        await Revocations.note(queries, { kind: 'token', id: token }, now);
      }
      await queries.execute('DELETE FROM app_sessions WHERE user_id = ?', [id]);
      await queries.execute('DELETE FROM sign_in_links WHERE user_id = ?', [id]);
      await queries.execute('DELETE FROM passkeys WHERE user_id = ?', [id]);
      await queries.execute('DELETE FROM user_permissions WHERE user_id = ?', [id]);
      await queries.execute('DELETE FROM push_settings WHERE user_id = ?', [id]);
      await queries.execute('DELETE FROM users WHERE id = ?', [id]);
      await Revocations.note(queries, { kind: 'user', id }, now);
      return user;
    });
  }

  /** What is there no more after a change ends what rests on it. */
  async #noteTaken(queries: Queries, before: User, after: User): Promise<void> {
    const now = this.#clock.wall();
    if (!isAtLeast(after.role, before.role)) {
      await Revocations.note(queries, { kind: 'user', id: after.id }, now);
    }
    const devices = new Set([EVERY_DEVICE, ...before.permissions.keys(), ...after.permissions.keys()]);
    for (const device of devices) {
      const { permissions: had, from } = allowedOn(before, device);
      const has = allowedOn(after, device);
      // What rested on a list of the device's own does not know of the other list, so it begins anew.
      const isListGone = from === device && has.from !== device;
      for (const permission of had) {
        if (has.permissions.includes(permission) && !isListGone) continue;
        const id = `${after.id} ${device} ${permission}`;
        await Revocations.note(queries, { kind: 'permission', id }, now);
      }
    }
  }
}

/** Somebody with his permissions. */
export async function findUser(queries: Queries, id: string): Promise<User | undefined> {
  const [user] = await queries.query('SELECT * FROM users WHERE id = ?', [id], decodeUser);
  if (!user) return undefined;
  const select = 'SELECT device, permissions FROM user_permissions WHERE user_id = ? ORDER BY device';
  const lists = await queries.query(
    select,
    [id],
    (row) => [row.text('device'), decodePermissions(row.text('permissions'))] as const,
  );
  return { ...user, permissions: new Map(lists) };
}

/** Takes somebody in, in a transaction that holds his household. */
export async function createUser(
  queries: Queries,
  { household, name, role }: { household: string; name: string; role: Role },
  now: number,
): Promise<User | Hindrance> {
  if (!(await isFree(queries, household, name))) return 'name-taken';
  const count = 'SELECT count(*) AS n FROM users WHERE household = ?';
  const [n = 0] = await queries.query(count, [household], (row) => row.number('n'));
  if (n >= MOST_USERS) return 'too-many';
  const id = randomBytes(8).toString('hex');
  const insert = 'INSERT INTO users (id, household, name, name_key, role, created) VALUES (?, ?, ?, ?, ?, ?)';
  const created = Math.floor(now);
  await queries.execute(insert, [id, household, name, nameKey(name), role, created]);
  return { id, household, name, role, created, hasPassword: false, permissions: new Map() };
}

/** Changes to the people of a household take turns: two owners cannot remove each other at once. */
const holdHousehold = (queries: Queries, household: string): Promise<number> =>
  queries.execute('UPDATE households SET name = name WHERE id = ?', [household]);

async function isFree(queries: Queries, household: string, name: string, but = ''): Promise<boolean> {
  const select = 'SELECT id FROM users WHERE household = ? AND name_key = ? AND id <> ?';
  return (await queries.query(select, [household, nameKey(name), but], () => true)).length === 0;
}

async function isLastOwner(queries: Queries, user: User): Promise<boolean> {
  if (user.role !== 'owner') return false;
  const select = `SELECT id FROM users WHERE household = ? AND role = 'owner' AND id <> ? LIMIT 1`;
  return (await queries.query(select, [user.household, user.id], () => true)).length === 0;
}

async function keepList(
  queries: Queries,
  user: string,
  device: string,
  list: readonly Permission[] | undefined,
): Promise<void> {
  await queries.execute('DELETE FROM user_permissions WHERE user_id = ? AND device = ?', [user, device]);
  if (!list) return;
  const insert = 'INSERT INTO user_permissions (user_id, device, permissions) VALUES (?, ?, ?)';
  await queries.execute(insert, [user, device, list.join(' ')]);
}
