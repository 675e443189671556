import { randomUUID } from 'node:crypto';
import type { Clock } from '@perch/runtime';
import { RelayError } from '../errors.ts';
import type { Database } from '../storage/database.ts';
import type { CodeLimits, Codes, Grant } from './codes.ts';
import { hashSecret } from './secret.ts';

/** Codes of relays that share a database: the WebSocket may arrive at another one than the `POST`. */
export class StoredCodes implements Codes {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #limits: CodeLimits;

  constructor(options: { database: Database; clock: Clock; limits: CodeLimits }) {
    this.#database = options.database;
    this.#clock = options.clock;
    this.#limits = options.limits;
  }

  async issue(grant: Grant): Promise<string | undefined> {
    const now = this.#clock.wall();
    await this.#database.execute('DELETE FROM codes WHERE expires <= ?', [now]);
    const code = randomUUID();
    const insert = `INSERT INTO codes (hash, body, expires)
      SELECT ?, ?, CAST(? AS BIGINT) WHERE (SELECT count(*) FROM codes) < ?`;
    const expires = Math.ceil(now + this.#limits.life);
    const values = [hashSecret(code), JSON.stringify(grant), expires, this.#limits.most];
    return (await this.#database.execute(insert, values)) > 0 ? code : undefined;
  }

  async redeem(code: string, topic: string): Promise<Grant | undefined> {
    const spend = 'DELETE FROM codes WHERE hash = ? AND expires > ? RETURNING body';
    const now = this.#clock.wall();
    const [grant] = await this.#database.query(spend, [hashSecret(code), now], (row) =>
      decodeGrant(row.text('body')),
    );
    return grant?.topic === topic ? grant : undefined;
  }
}

/** Only relays write this table, each after it has checked what it writes; so only the shape is looked at. */
function decodeGrant(text: string): Grant {
  const grant = JSON.parse(text) as Partial<Grant>;
  if (typeof grant.topic === 'string' && grant.access && grant.by) return grant as Grant;
  throw new RelayError('data-damaged', 'A one-time code in the database is not what the relay wrote.');
}
