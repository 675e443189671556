import type { Database } from '../../storage/database.ts';
import { decodePasskey, type Passkey } from './passkey.ts';

/** So many may one person have. */
const MOST_PASSKEYS = 20;

/** The passkeys of all people. */
export class PasskeyTable {
  readonly #database: Database;

  constructor(options: { database: Database }) {
    this.#database = options.database;
  }

  async find(id: string): Promise<Passkey | undefined> {
    const [passkey] = await this.#database.query('SELECT * FROM passkeys WHERE id = ?', [id], decodePasskey);
    return passkey;
  }

  /** Somebody's, the oldest first. */
  list(user: string): Promise<Passkey[]> {
    const select = 'SELECT * FROM passkeys WHERE user_id = ? ORDER BY created, id';
    return this.#database.query(select, [user], decodePasskey);
  }

  /** @returns false where it is there already, or there are too many. */
  async add(passkey: Passkey): Promise<boolean> {
    const insert = `INSERT INTO passkeys (id, user_id, name, public_key, counter, transports, created)
      SELECT ?, ?, ?, ?, CAST(? AS BIGINT), ?, CAST(? AS BIGINT)
      WHERE (SELECT count(*) FROM passkeys WHERE user_id = ?) < ? ON CONFLICT (id) DO NOTHING`;
    const { id, user, name, publicKey, counter, transports, created } = passkey;
    const values = [id, user, name, publicKey, counter, transports.join(' '), created, user, MOST_PASSKEYS];
    return (await this.#database.execute(insert, values)) > 0;
  }

  /** It has signed: its counter goes on. @returns false where another signature with it was as quick. */
  async used(passkey: Passkey, counter: number, now: number): Promise<boolean> {
    const update = 'UPDATE passkeys SET counter = ?, last_used = ? WHERE id = ? AND counter = ?';
    return (await this.#database.execute(update, [counter, now, passkey.id, passkey.counter])) > 0;
  }

  /** Removes one of somebody's. @returns which, if there was one. */
  async remove(id: string, user: string): Promise<Passkey | undefined> {
    const remove = 'DELETE FROM passkeys WHERE id = ? AND user_id = ? RETURNING *';
    const [passkey] = await this.#database.query(remove, [id, user], decodePasskey);
    return passkey;
  }
}
