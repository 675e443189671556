import { randomBytes } from 'node:crypto';
import { type Access, matchesTopic } from '@perch/protocol';
import type { Clock, Logger } from '@perch/runtime';
import { FIRST_HOUSEHOLD } from '../people/household.ts';
import type { Database } from '../storage/database.ts';
import type { Row } from '../storage/row.ts';
import { Revocations } from './revocations.ts';
import { hashSecret, newSecret } from './secret.ts';

/** A token, without its secret. Times are milliseconds since 1970. */
export interface TokenRecord {
  readonly id: string;
  /** Whose topics it is for. */
  readonly household: string;
  /** Glob of topic names. */
  readonly topic: string;
  readonly scope: readonly Scope[];
  readonly created: number;
  readonly expires: number;
  /** To the minute; `undefined` where it was never used. */
  readonly lastUsed: number | undefined;
}

export const scopes = ['read', 'write', 'audit'] as const;
/** `audit`: may read who did what. The topic does not matter to it. */
export type Scope = (typeof scopes)[number];

/** What a token to be made may do, and for how long. */
export interface NewToken {
  /** Glob of topic names: `*` stops at `/`, `**` does not. */
  readonly topic: string;
  readonly scope: readonly Scope[];
  readonly ttlMs: number;
  /** Default: the first. */
  readonly household?: string;
  /** The user who makes it; it ends with him. None: who runs the machine. */
  readonly madeBy?: string;
}

/** The last moment that a date can be. */
const END_OF_TIME = 8.64e15;
/** The last use of a token is written this often. */
const USE_PERIOD_MS = 60_000;

/** The API tokens. Their secrets are kept as hashes only: 256 random bits need no slower one. */
export class Tokens {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #logger: Logger;

  constructor(options: { database: Database; clock: Clock; logger: Logger }) {
    this.#database = options.database;
    this.#clock = options.clock;
    this.#logger = options.logger;
  }

  /** The valid token with this secret. It counts as used. */
  async find(secret: string): Promise<TokenRecord | undefined> {
    const now = this.#clock.wall();
    const select = 'SELECT * FROM tokens WHERE hash = ? AND expires > ?';
    const [token] = await this.#database.query(select, [hashSecret(secret), now], decodeToken);
    if (token && now - (token.lastUsed ?? 0) >= USE_PERIOD_MS) this.#noteUse(token.id, now);
    return token;
  }

  /**
   * Makes a token and keeps its hash. When this resolves it is on the disk.
   *
   * @returns the secret, which cannot be had again, and what is kept.
   * @throws {TypeError} for an empty glob or scope, or a life that is not positive.
   */
  async create(token: NewToken): Promise<{ readonly secret: string; readonly record: TokenRecord }> {
    const scope = checkScope(token.scope);
    if (token.topic.length === 0) throw new TypeError('topic: a glob of topic names, such as front/*');
    if (!(token.ttlMs > 0)) throw new TypeError('ttlMs: how long the token lives, more than 0');
    const secret = newSecret();
    const now = this.#clock.wall();
    const record: TokenRecord = {
      id: randomBytes(6).toString('hex'),
      household: token.household ?? FIRST_HOUSEHOLD,
      topic: token.topic,
      scope,
      created: now,
      expires: Math.min(Math.ceil(now + token.ttlMs), END_OF_TIME),
      lastUsed: undefined,
    };
    await this.#database.execute('DELETE FROM tokens WHERE expires <= ?', [now]);
    await this.#database.execute(
      `INSERT INTO tokens (id, hash, topic, scope, created, expires, household, made_by)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      [
        record.id,
        hashSecret(secret),
        record.topic,
        scope.join(' '),
        record.created,
        record.expires,
        record.household,
        token.madeBy ?? null,
      ],
    );
    return { secret, record };
  }

  /**
   * Ends a token; connections that rest on it are closed within a second.
   *
   * @param household only one of this. Default: of any.
   * @returns the token, if there was one.
   */
  revoke(id: string, household?: string): Promise<TokenRecord | undefined> {
    return this.#database.transaction(async (queries) => {
      const remove = 'DELETE FROM tokens WHERE id = ? AND household = COALESCE(?, household) RETURNING *';
      const [token] = await queries.query(remove, [id, household ?? null], decodeToken);
      if (token) await Revocations.note(queries, { kind: 'token', id }, this.#clock.wall());
      return token;
    });
  }

  /** Those that are neither revoked nor expired, the oldest first. @param household default: of all. */
  valid(household?: string): Promise<TokenRecord[]> {
    const select = `SELECT * FROM tokens WHERE expires > ? AND household = COALESCE(?, household)
      ORDER BY created, id`;
    return this.#database.query(select, [this.#clock.wall(), household ?? null], decodeToken);
  }

  #noteUse(id: string, now: number): void {
    const update = 'UPDATE tokens SET last_used = ? WHERE id = ? AND (last_used IS NULL OR last_used <= ?)';
    this.#database.execute(update, [now, id, now - USE_PERIOD_MS]).catch((error: Error) => {
      this.#logger.warn('the last use of a token could not be kept', { id, error: error.message });
    });
  }
}

/** What the token allows on the topic. */
export const tokenAccess = (token: TokenRecord, topic: string): Access => {
  const covers = matchesTopic(token.topic, topic);
  return { read: covers && token.scope.includes('read'), write: covers && token.scope.includes('write') };
};

/** Whether the token has a scope that is for no topic. */
export const tokenMay = (token: TokenRecord, scope: Scope): boolean => token.scope.includes(scope);

export function checkScope(scope: readonly unknown[]): readonly Scope[] {
  const known = scopes.filter((name) => scope.includes(name));
  if (known.length === 0 || known.length !== new Set(scope).size) {
    throw new TypeError(`scope: one or more of ${scopes.join(', ')}`);
  }
  return known;
}

const decodeToken = (row: Row): TokenRecord => ({
  id: row.text('id'),
  household: row.text('household'),
  topic: row.text('topic'),
  scope: checkScope(row.text('scope').split(' ')),
  created: row.number('created'),
  expires: row.number('expires'),
  lastUsed: row.optionalNumber('last_used'),
});
