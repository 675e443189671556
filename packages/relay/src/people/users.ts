import { RelayError } from '../errors.ts';
import type { Database, Queries } from '../storage/database.ts';
import { decodePermissions } from './permissions.ts';
import { decodeUser, type User } from './user.ts';

const NO_OWNER = 'The household has no owner in the database. Put back a copy from before.';

/** The people of all households. */
export class Users {
  readonly #database: Database;

  constructor(options: { database: Database }) {
    this.#database = options.database;
  }

  find(id: string): Promise<User | undefined> {
    return findUser(this.#database, id);
  }

  /** The owner who is there longest: for the link that the machine's owner gets. There always is one. */
  async firstOwner(household: string): Promise<string> {
    const select = `SELECT id FROM users WHERE household = ? AND role = 'owner' ORDER BY created, id LIMIT 1`;
    const [id] = await this.#database.query(select, [household], (row) => row.text('id'));
    if (id === undefined) throw new RelayError('data-damaged', NO_OWNER);
    return id;
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
