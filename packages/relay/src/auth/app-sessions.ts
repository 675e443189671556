import { randomBytes } from 'node:crypto';
import { type Clock, type Logger, type Millis, millis } from '@perch/runtime';
import type { Database, Queries } from '../storage/database.ts';
import type { Row } from '../storage/row.ts';
import { Revocations } from './revocations.ts';
import { hashSecret, newSecret } from './secret.ts';

/** Somebody's browser that has opened the app. Times are milliseconds since 1970. */
export interface AppSession {
  readonly id: string;
  /** Whose it is. */
  readonly of: SessionOwner;
  readonly created: number;
  readonly expires: number;
  /** To the minute; `undefined` where it was never used. */
  readonly lastUsed: number | undefined;
  /** From where it signed in, and with which program, as that says itself. */
  readonly address: string;
  readonly userAgent: string;
}

/** By its id: a user, or an invite, which somebody opened who is none. */
export type SessionOwner = { readonly kind: 'user' | 'invite'; readonly id: string };

/** Where somebody signs in: network address, and program as it says itself. */
export interface SignInPlace {
  readonly address: string;
  readonly userAgent: string;
}

export interface NewSession {
  /** The cookie's value. */
  readonly cookie: string;
  readonly session: AppSession;
}

/** A sign-in link of the machine's owner works this long. */
export const LINK_LIFE = millis(15 * 60_000);
const SESSION_LIFE_MS = 30 * 24 * 3_600_000;
const USE_PERIOD_MS = 60_000;
const MOST_SESSIONS = 200;
const MOST_LINKS = 100;

/**
 * Who has opened the app: whoever shows who he is, by a link's secret for one, gets a cookie. Secrets are kept as hashes,
 * so that a restart signs nobody out.
 */
export class AppSessions {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #logger: Logger;

  constructor(options: { database: Database; clock: Clock; logger: Logger }) {
    this.#database = options.database;
    this.#clock = options.clock;
    this.#logger = options.logger;
  }

  /**
   * Makes a secret for a sign-in link, or accepts one that the caller made: one use.
   *
   * @param link.life default: {@link LINK_LIFE}.
   */
  async newLink(link: {
    readonly user: string;
    readonly secret?: string | undefined;
    readonly life?: Millis;
  }): Promise<{ readonly secret: string; readonly expires: number }> {
    const { user, secret = newSecret(), life = LINK_LIFE } = link;
    const now = this.#clock.wall();
    const expires = Math.ceil(now + life);
    await this.#database.transaction(async (queries) => {
      const drop = `DELETE FROM sign_in_links WHERE expires <= ? OR hash IN
        (SELECT hash FROM sign_in_links ORDER BY expires DESC LIMIT 1000 OFFSET ?)`;
      await queries.execute(drop, [now, MOST_LINKS - 1]);
      const insert = `INSERT INTO sign_in_links (hash, expires, user_id) VALUES (?, ?, ?)
        ON CONFLICT (hash) DO UPDATE SET expires = excluded.expires, user_id = excluded.user_id`;
      await queries.execute(insert, [hashSecret(secret), expires, user]);
    });
    return { secret, expires };
  }

  /** Spends a link's secret. @returns `undefined` for a wrong, used or old one. */
  signIn(secret: string, from: SignInPlace): Promise<NewSession | undefined> {
    // One transaction: with a full disk the link stays good.
    return this.#database.transaction(async (queries) => {
      const spend = 'DELETE FROM sign_in_links WHERE hash = ? AND expires > ? RETURNING user_id';
      const values = [hashSecret(secret), this.#clock.wall()];
      const [user] = await queries.query(spend, values, (row) => row.text('user_id'));
      return user === undefined ? undefined : this.beginIn(queries, { kind: 'user', id: user }, from);
    });
  }

  /**
   * Begins a session of somebody who has shown who he is.
   *
   * @param life how long it lasts at most. Default and most: 30 days.
   */
  begin(of: SessionOwner, from: SignInPlace, life?: Millis): Promise<NewSession> {
    return this.#database.transaction((queries) => this.beginIn(queries, of, from, life));
  }

  /** The same, in a transaction of the caller's. */
  async beginIn(
    queries: Queries,
    of: SessionOwner,
    from: SignInPlace,
    life: number = SESSION_LIFE_MS,
  ): Promise<NewSession> {
    const now = this.#clock.wall();
    await this.#makeRoom(queries, of, now);
    const cookie = newSecret();
    const session: AppSession = {
      id: randomBytes(6).toString('hex'),
      of,
      created: now,
      expires: Math.ceil(now + Math.min(life, SESSION_LIFE_MS)),
      lastUsed: now,
      ...from,
    };
    await queries.execute(
      `INSERT INTO app_sessions (id, hash, created, expires, last_used, address, user_agent, user_id, invite)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      [
        session.id,
        hashSecret(cookie),
        now,
        session.expires,
        now,
        from.address,
        from.userAgent,
        of.kind === 'user' ? of.id : null,
        of.kind === 'invite' ? of.id : null,
      ],
    );
    return { cookie, session };
  }

  /** The session of a cookie's value, if it is signed in. It counts as used. */
  async find(cookie: string): Promise<AppSession | undefined> {
    const now = this.#clock.wall();
    const select = 'SELECT * FROM app_sessions WHERE hash = ? AND expires > ?';
    const [session] = await this.#database.query(select, [hashSecret(cookie), now], decodeSession);
    if (session && now - (session.lastUsed ?? 0) >= USE_PERIOD_MS) this.#noteUse(session.id, now);
    return session;
  }

  /** The sessions of a household's users, the oldest first. */
  list(household: string): Promise<AppSession[]> {
    const select = `SELECT * FROM app_sessions WHERE expires > ?
      AND user_id IN (SELECT id FROM users WHERE household = ?) ORDER BY created, id`;
    return this.#database.query(select, [this.#clock.wall(), household], decodeSession);
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

  /** Signs somebody out everywhere, but for one session. @returns how many browsers. */
  endOf(of: SessionOwner, but: string): Promise<number> {
    const remove =
      of.kind === 'user'
        ? 'DELETE FROM app_sessions WHERE user_id = ? AND id <> ? RETURNING id'
        : 'DELETE FROM app_sessions WHERE invite = ? AND id <> ? RETURNING id';
    return this.#database.transaction(async (queries) => {
      const ended = await queries.query(remove, [of.id, but], (row) => row.text('id'));
      const now = this.#clock.wall();
      for (const id of ended) await Revocations.note(queries, { kind: 'session', id }, now);
      return ended.length;
    });
  }

  /** Somebody's oldest sessions give way where he has too many; nobody pushes out anybody else's. */
  async #makeRoom(queries: Queries, of: SessionOwner, now: number): Promise<void> {
    await queries.execute('DELETE FROM app_sessions WHERE expires <= ?', [now]);
    const dropped = await queries.query(
      `DELETE FROM app_sessions WHERE id IN
        (SELECT id FROM app_sessions WHERE ${of.kind === 'user' ? 'user_id' : 'invite'} = ?
          ORDER BY created DESC, id LIMIT 1000 OFFSET ?) RETURNING id`,
      [of.id, MOST_SESSIONS - 1],
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
  of: decodeOwner(row),
  created: row.number('created'),
  expires: row.number('expires'),
  lastUsed: row.optionalNumber('last_used'),
  address: row.text('address'),
  userAgent: row.text('user_agent'),
});

function decodeOwner(row: Row): SessionOwner {
  const invite = row.optionalText('invite');
  return invite === undefined ? { kind: 'user', id: row.text('user_id') } : { kind: 'invite', id: invite };
}
