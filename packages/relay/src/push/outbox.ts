import type { Clock, Millis } from '@perch/runtime';
import type { Database } from '../storage/database.ts';
import type { Row } from '../storage/row.ts';
import { type Notice, tagOf } from './notice.ts';

/** One push to one browser. Times are milliseconds since 1970. */
export interface Letter extends Notice {
  /** Session of the browser. */
  readonly subscription: string;
  readonly tag: string;
  /** How often it was tried, with this time. */
  readonly tries: number;
  /** Nobody wants to know of it later. */
  readonly expires: number;
}

/** So many wait for one browser; beyond that films give way before alarms, the oldest first. */
export const MOST_WAITING = 20;
/** Who takes a letter has so long to send it; if his relay ends in between another one tries. */
export const LEASE_MS = 60_000;

/**
 * What is to be sent to whom, in the database: so a relay that starts again goes on, relays that share the database send
 * each push once, and each browser gets one after the other. A slow one waits for itself alone.
 */
export class Outbox {
  readonly #database: Database;
  readonly #clock: Clock;

  constructor({ database, clock }: { database: Database; clock: Clock }) {
    this.#database = database;
    this.#clock = clock;
  }

  /**
   * Puts in a notice for every browser of a household. One of the same film that still waits becomes this one; a film
   * with an alarm stays one.
   *
   * @param wait so long a picture is waited for.
   * @param life so long people want to know.
   */
  async put(
    household: string,
    notice: Notice,
    { wait, life }: { wait: Millis; life: Millis },
  ): Promise<void> {
    const now = this.#now();
    const { what, device, capture = null, at } = notice;
    const isAlarm = what === 'alarm' ? 1 : 0;
    const insert = `INSERT INTO push_outbox
        (subscription, tag, what, is_alarm, device, capture, at, due, leased, tries, expires)
      SELECT p.session, CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS BIGINT), CAST(? AS TEXT), CAST(? AS TEXT),
        CAST(? AS BIGINT), CAST(? AS BIGINT), 0, 0, CAST(? AS BIGINT)
      FROM push_subscriptions p JOIN users u ON u.id = p.user_id WHERE u.household = ?
      ORDER BY p.session
      ON CONFLICT (subscription, tag) DO UPDATE SET
        what = CASE WHEN push_outbox.is_alarm = 1 THEN push_outbox.what ELSE excluded.what END,
        due = CASE WHEN excluded.due < push_outbox.due THEN excluded.due ELSE push_outbox.due END,
        is_alarm = CASE WHEN push_outbox.is_alarm = 1 THEN 1 ELSE excluded.is_alarm END,
        expires = excluded.expires`;
    const values = [tagOf(notice), what, isAlarm, device, capture, at, now + wait, now + life, household];
    const drop = `DELETE FROM push_outbox WHERE leased <= ? AND (subscription, tag) IN (
      SELECT subscription, tag FROM (SELECT o.subscription, o.tag,
        row_number() OVER (PARTITION BY o.subscription ORDER BY o.is_alarm DESC, o.at DESC, o.tag) AS place
        FROM push_outbox o JOIN push_subscriptions p ON p.session = o.subscription
        JOIN users u ON u.id = p.user_id WHERE u.household = ?) AS waiting WHERE place > ?)`;
    await this.#database.transaction(async (queries) => {
      await queries.execute(insert, values);
      await queries.execute(drop, [now, household, MOST_WAITING]);
    });
  }

  /** The picture of a film is there: what waits for it is due. */
  async hasten(capture: string): Promise<void> {
    const now = this.#now();
    const update = 'UPDATE push_outbox SET due = ? WHERE capture = ? AND due > ? AND tries = 0';
    await this.#database.execute(update, [now, capture, now]);
  }

  /** Takes up to `most` letters that are due, the next one for each browser, alarms first. No other relay takes them. */
  take(most: number): Promise<Letter[]> {
    const now = this.#now();
    const update = `UPDATE push_outbox SET leased = ?, tries = tries + 1
      WHERE due <= ? AND leased <= ? AND (subscription, tag) IN (
        SELECT o.subscription, o.tag FROM push_outbox o WHERE o.due <= ?
        AND NOT EXISTS (SELECT 1 FROM push_outbox l WHERE l.subscription = o.subscription AND l.leased > ?)
        AND o.tag = (SELECT f.tag FROM push_outbox f WHERE f.subscription = o.subscription AND f.due <= ?
          ORDER BY f.is_alarm DESC, f.due, f.tag LIMIT 1)
        ORDER BY o.is_alarm DESC, o.due, o.subscription LIMIT ?)
      RETURNING *`;
    return this.#database.query(update, [now + LEASE_MS, now, now, now, now, now, most], decode);
  }

  /** It was sent, or is not to be. What became of the film meanwhile is still to be sent. */
  async drop({ subscription, tag, what }: Letter): Promise<void> {
    await this.#database.transaction(async (queries) => {
      const remove = 'DELETE FROM push_outbox WHERE subscription = ? AND tag = ? AND what = ?';
      await queries.execute(remove, [subscription, tag, what]);
      const update = 'UPDATE push_outbox SET leased = 0, tries = 0 WHERE subscription = ? AND tag = ?';
      await queries.execute(update, [subscription, tag]);
    });
  }

  /** It is to be tried again. What became of the film meanwhile is tried at once. */
  async putBack({ subscription, tag, what }: Letter, wait: Millis): Promise<void> {
    const update = `UPDATE push_outbox SET leased = 0,
      due = CASE WHEN what = CAST(? AS TEXT) THEN CAST(? AS BIGINT) ELSE due END WHERE subscription = ? AND tag = ?`;
    await this.#database.execute(update, [what, Math.ceil(this.#now() + wait), subscription, tag]);
  }

  #now(): number {
    return Math.floor(this.#clock.wall());
  }
}

const decode = (row: Row): Letter => ({
  subscription: row.text('subscription'),
  tag: row.text('tag'),
  what: row.text('what') as Letter['what'],
  device: row.text('device'),
  capture: row.optionalText('capture'),
  at: row.number('at'),
  tries: row.number('tries'),
  expires: row.number('expires'),
});
