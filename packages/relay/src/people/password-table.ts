import type { Database } from '../storage/database.ts';
import { FIRST_HOUSEHOLD } from './household.ts';
import { parseSignInName } from './names.ts';

/** The passwords of people, as they are kept: `password/kept-password.ts`. */
export class PasswordTable {
  readonly #database: Database;

  constructor(options: { database: Database }) {
    this.#database = options.database;
  }

  /** Of whoever signs in by this name. `kept` is absent where he has none, or where nobody has the name. */
  async findByName(
    name: string,
  ): Promise<{ readonly user: string; readonly kept: string | undefined } | undefined> {
    const { user, household } = parseSignInName(name);
    const select = `SELECT users.id AS id, password FROM users JOIN households ON households.id = household
      WHERE name_key = ? AND (households.name = ? OR (CAST(? AS TEXT) IS NULL AND household = ?))`;
    const values = [user, household ?? '', household ?? null, FIRST_HOUSEHOLD];
    const [found] = await this.#database.query(select, values, (row) => ({
      user: row.text('id'),
      kept: row.optionalText('password'),
    }));
    return found;
  }

  async find(user: string): Promise<string | undefined> {
    const select = 'SELECT password FROM users WHERE id = ?';
    const [kept] = await this.#database.query(select, [user], (row) => row.optionalText('password'));
    return kept;
  }

  /** Keeps a new one, where it is still what it was. @returns whether it is kept now. */
  async set(user: string, kept: string, before: string | undefined): Promise<boolean> {
    const update = `UPDATE users SET password = ? WHERE id = ? AND COALESCE(password, '') = ?`;
    return (await this.#database.execute(update, [kept, user, before ?? ''])) > 0;
  }
}
