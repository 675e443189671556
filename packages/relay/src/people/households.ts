import { randomBytes } from 'node:crypto';
import type { Clock } from '@perch/runtime';
import type { Database } from '../storage/database.ts';
import type { Household } from './household.ts';
import { nameKey } from './names.ts';
import type { User } from './user.ts';
import { createUser } from './users.ts';

/** The households of a relay. Only who runs the machine makes one: `perch household create`. */
export class Households {
  readonly #database: Database;
  readonly #clock: Clock;

  constructor(options: { database: Database; clock: Clock }) {
    this.#database = options.database;
    this.#clock = options.clock;
  }

  async find(id: string): Promise<Household | undefined> {
    const select = 'SELECT id, name FROM households WHERE id = ?';
    const [household] = await this.#database.query(select, [id], (row) => ({
      id: row.text('id'),
      name: row.text('name'),
    }));
    return household;
  }

  /**
   * Makes a household with its first owner.
   *
   * @param name a key as `nameKey` makes it: people sign in with it.
   * @returns `undefined` where there is one of this name.
   */
  create(name: string): Promise<{ readonly household: Household; readonly owner: User } | undefined> {
    return this.#database.transaction(async (queries) => {
      const household = { id: randomBytes(8).toString('hex'), name: nameKey(name) };
      const now = Math.floor(this.#clock.wall());
      const insert =
        'INSERT INTO households (id, name, created) VALUES (?, ?, ?) ON CONFLICT (name) DO NOTHING';
      if ((await queries.execute(insert, [household.id, household.name, now])) === 0) return undefined;
      const owner = await createUser(queries, { household: household.id, name: 'Owner', role: 'owner' }, now);
      if (typeof owner === 'string') throw new TypeError(`createUser: ${owner}, in a new household`);
      return { household, owner };
    });
  }
}
