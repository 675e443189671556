import { randomBytes } from 'node:crypto';
import { type Clock, type Logger, millis } from '@perch/runtime';
import type { Database, Queries } from '../storage/database.ts';
import type { Row } from '../storage/row.ts';
import { Revocations } from './revocations.ts';
import { hashSecret, newSecret } from './secret.ts';

/** Somebody's browser that has opened the app. Times are milliseconds since 1970. */
export interface AppSession {
  readonly id: string;
  readonly created: number;
  readonly expires: number;
  /** To the minute; `undefined` where it was never used. */
  readonly lastUsed: number | undefined;
  /** From where it signed in, and with which program, as that says itself. */
  readonly address: string;
  readonly userAgent: string;
}

/** A sign-in link works this long. */
export const LINK_LIFE = millis(15 * 60_000);
const SESSION_LIFE_MS = 30 * 24 * 3_600_000;
const USE_PERIOD_MS = 60_000;
const MOST_SESSIONS = 200;
const MOST_LINKS = 100;

/**
 * Who has opened the app: a link's secret is exchanged, once, for a cookie. Both are kept as hashes, so that a restart
 * signs nobody out. Until accounts come, whoever holds a link is the owner.
 */
export class AppSessions {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #logger: Logger;

  /** How long a cookie may live, in seconds. */
  readonly cookieSeconds = SESSION_LIFE_MS / 1000;

  constructor(options: { database: Database; clock: Clock; logger: Logger }) {
    this.#database = options.database;
    this.#clock = options.clock;
    this.#logger = options.logger;
  }

  /** Makes a secret for a sign-in link, or accepts one that the caller made: one use, {@link LINK_LIFE}. */
  async newLinkSecret(secret = newSecret()): Promise<string> {
    const now = this.#clock.wall();
    await this.#database.transaction(async (queries) => {
      const drop = `DELETE FROM sign_in_links WHERE expires <= ? OR hash IN
        (SELECT hash FROM sign_in_links ORDER BY expires DESC LIMIT 1000 OFFSET ?)`;
      await queries.execute(drop, [now, MOST_LINKS - 1]);
      const insert = `INSERT INTO sign_in_links (hash, expires) VALUES (?, ?)
        ON CONFLICT (hash) DO UPDATE SET expires = excluded.expires`;
      await queries.execute(insert, [hashSecret(secret), Math.ceil(now + LINK_LIFE)]);
    });
    return secret;
  }

  /** Spends a link's secret. @returns the cookie's value and the session, or `undefined` for a wrong, used or old one. */
  signIn(
    secret: string,
    from: { readonly address: string; readonly userAgent: string },
  ): Promise<{ readonly cookie: string; readonly session: AppSession } | undefined> {
    // One transaction: with a full disk the link stays good.
    return this.#database.transaction(async (queries) => {
      const now = this.#clock.wall();
      const spend = 'DELETE FROM sign_in_links WHERE hash = ? AND expires > ? RETURNING hash';
      const spent = await queries.query(spend, [hashSecret(secret), now], () => true);
      if (spent.length === 0) return undefined;
      await this.#makeRoom(queries, now);
      const cookie = newSecret();
      const session: AppSession = {
        id: randomBytes(6).toString('hex'),
        created: now,
        expires: now + SESSION_LIFE_MS,
        lastUsed: now,
        ...from,
      };
      await queries.execute(
        `INSERT INTO app_sessions (id, hash, created, expires, last_used, address, user_agent)
          VALUES (?, ?, ?, ?, ?, ?, ?)`,
        [session.id, hashSecret(cookie), now, session.expires, now, from.address, from.userAgent],
      );
      return { cookie, session };
    });
  }

  /** The session of a cookie's value, if it is signed in. It counts as used. */
  async find(cookie: string): Promise<AppSession | undefined> {
    const now = this.#clock.wall();
    const select = 'SELECT * FROM app_sessions WHERE hash = ? AND expires > ?';
    const [session] = await this.#database.query(select, [hashSecret(cookie), now], decodeSession);
    if (session && now - (session.lastUsed ?? 0) >= USE_PERIOD_MS) this.#noteUse(session.id, now);
    return session;
  }

  /** Those that are signed in, the oldest first. */
  list(): Promise<AppSession[]> {
    const select = 'SELECT * FROM app_sessions WHERE expires > ? ORDER BY created, id';
    return this.#database.query(select, [this.#clock.wall()], decodeSession);
  }

  /** Signs a browser out; what it has open is closed within a second. @returns the session, if there was one. */
  end(id: string): Promise<AppSession | undefined> {
    return this.#database.transaction(async (queries) => {
      const remove = 'DELETE FROM app_sessions WHERE id = ? RETURNING *';
      const [session] = await queries.query(remove, [id], decodeSession);
      if (session) await Revocations.note(queries, { kind: 'session', id }, this.#clock.wall());
      return session;
    });
  }

  /** The oldest sessions give way where there are too many. */
  async #makeRoom(queries: Queries, now: number): Promise<void> {
    await queries.execute('DELETE FROM app_sessions WHERE expires <= ?', [now]);
    const dropped = await queries.query(
      `DELETE FROM app_sessions WHERE id IN
        (SELECT id FROM app_sessions ORDER BY created DESC, id LIMIT 1000 OFFSET ?) RETURNING id`,
      [MOST_SESSIONS - 1],
      (row) => row.text('id'),
    );
    for (const id of dropped) await Revocations.note(queries, { kind: 'session', id }, now);
  }

  #noteUse(id: string, now: number): void {
    const update =
      'UPDATE app_sessions SET last_used = ? WHERE id = ? AND (last_used IS NULL OR last_used <= ?)';
    this.#database.execute(update, [now, id, now - USE_PERIOD_MS]).catch((error: Error) => {
      this.#logger.warn('the last use of a session could not be kept', { id, error: error.message });
    });
  }
}

const decodeSession = (row: Row): AppSession => ({
  id: row.text('id'),
  created: row.number('created'),
  expires: row.number('expires'),
  lastUsed: row.optionalNumber('last_used'),
  address: row.text('address'),
  userAgent: row.text('user_agent'),
});
