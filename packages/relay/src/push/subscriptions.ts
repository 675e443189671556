import type { Clock, Millis } from '@perch/runtime';
import type { Database } from '../storage/database.ts';
import type { Row } from '../storage/row.ts';
import type { Receiver } from './push-services.ts';

/** A signed-in browser that wants pushes. Times are milliseconds since 1970. */
export interface Subscription extends Receiver {
  /** Its session: it ends with it. */
  readonly session: string;
  readonly user: string;
  readonly created: number;
  /** When its push service took something last. */
  readonly delivered: number | undefined;
  /** Why the last push came to nothing, for its owner. */
  readonly problem: string | undefined;
}

/** After a quiet while a browser gets so many pushes in a row; then one for each {@link PERIOD_MS}. */
const BURST = 20;
/** The same for alarms. */
const ALARM_BURST = 100;
const PERIOD_MS = 60_000;
/** So many browsers of one person hear of captures. */
const MOST_OF_USER = 50;

/** Which browsers want pushes. A row goes with its session, and so with whoever it is of. */
export class Subscriptions {
  readonly #database: Database;
  readonly #clock: Clock;

  constructor({ database, clock }: { database: Database; clock: Clock }) {
    this.#database = database;
    this.#clock = clock;
  }

  /** Keeps where a session's browser is reached. One that was signed in otherwise before is this session's now. */
  async keep(session: string, user: string, { endpoint, p256dh, auth }: Receiver): Promise<void> {
    const now = this.#now();
    await this.#database.transaction(async (queries) => {
      const remove = 'DELETE FROM push_subscriptions WHERE endpoint = ? AND session <> ?';
      await queries.execute(remove, [endpoint, session]);
      const insert = `INSERT INTO push_subscriptions
          (session, user_id, endpoint, p256dh, auth, created, paid_until)
        SELECT id, user_id, CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS BIGINT), 0
        FROM app_sessions WHERE id = ? AND user_id = ?
        ON CONFLICT (session) DO UPDATE SET endpoint = excluded.endpoint, p256dh = excluded.p256dh,
          auth = excluded.auth, problem = NULL`;
      await queries.execute(insert, [endpoint, p256dh, auth, now, session, user]);
      const drop = `DELETE FROM push_subscriptions WHERE session IN (SELECT session FROM push_subscriptions
        WHERE user_id = ? ORDER BY created DESC, session LIMIT 1000 OFFSET ?)`;
      await queries.execute(drop, [user, MOST_OF_USER]);
    });
  }

  /** The one of a session that is still signed in. */
  async find(session: string): Promise<Subscription | undefined> {
    const select = `SELECT p.* FROM push_subscriptions p JOIN app_sessions s ON s.id = p.session
      WHERE p.session = ? AND s.expires > ?`;
    const [found] = await this.#database.query(select, [session, this.#now()], decode);
    return found;
  }

  /** @returns whether there was one. */
  async remove(session: string): Promise<boolean> {
    return (await this.#database.execute('DELETE FROM push_subscriptions WHERE session = ?', [session])) > 0;
  }

  /** Its push service knows no such browser. One that was given anew meanwhile stays. */
  async forget({ session, endpoint }: Subscription): Promise<void> {
    const remove = 'DELETE FROM push_subscriptions WHERE session = ? AND endpoint = ?';
    await this.#database.execute(remove, [session, endpoint]);
  }

  /** Lets a browser have one more push, if it has not had too many, from whichever relay. @returns whether it may. */
  async take(session: string, { isAlarm }: { isAlarm: boolean }): Promise<boolean> {
    const now = this.#now();
    const most = now + ((isAlarm ? ALARM_BURST : BURST) - 1) * PERIOD_MS;
    const update = `UPDATE push_subscriptions
      SET paid_until = CASE WHEN paid_until > ? THEN paid_until ELSE CAST(? AS BIGINT) END + ?
      WHERE session = ? AND paid_until <= ?`;
    return (await this.#database.execute(update, [now, now, PERIOD_MS, session, most])) > 0;
  }

  /** Notes how the last push went. @param problem none: it was taken. */
  async note(session: string, problem?: string): Promise<void> {
    const update = `UPDATE push_subscriptions SET problem = ?,
      delivered = CASE WHEN CAST(? AS BIGINT) = 1 THEN CAST(? AS BIGINT) ELSE delivered END WHERE session = ?`;
    const isTaken = problem === undefined ? 1 : 0;
    await this.#database.execute(update, [problem ?? null, isTaken, this.#now(), session]);
  }

  /** Those whose sign-in ends within this time, and who were not told of that yet. `until`: when it does. */
  ending(within: Millis): Promise<(Subscription & { readonly until: number })[]> {
    const select = `SELECT p.*, s.expires AS until FROM push_subscriptions p JOIN app_sessions s ON s.id = p.session
      WHERE p.reminded IS NULL AND s.expires > ? AND s.expires <= ? ORDER BY s.expires LIMIT 1000`;
    const now = this.#now();
    return this.#database.query(select, [now, now + within], (row) => ({
      ...decode(row),
      until: row.number('until'),
    }));
  }

  /** Notes that a browser was told that its sign-in ends, or that it was not. @returns whether that is new. */
  async markReminded(session: string, is: boolean): Promise<boolean> {
    const now = this.#now();
    const update = `UPDATE push_subscriptions SET reminded = CAST(? AS BIGINT)
      WHERE session = ? AND (reminded IS NULL) = (CAST(? AS BIGINT) = 1)`;
    return (await this.#database.execute(update, [is ? now : null, session, is ? 1 : 0])) > 0;
  }

  #now(): number {
    return Math.floor(this.#clock.wall());
  }
}

const decode = (row: Row): Subscription => ({
  session: row.text('session'),
  user: row.text('user_id'),
  endpoint: row.text('endpoint'),
  p256dh: row.text('p256dh'),
  auth: row.text('auth'),
  created: row.number('created'),
  delivered: row.optionalNumber('delivered'),
  problem: row.optionalText('problem'),
});
