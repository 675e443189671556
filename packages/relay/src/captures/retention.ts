import type { Clock } from '@perch/runtime';
import type { Database } from '../storage/database.ts';
import { USED_BYTES } from './capture.ts';

/** What of its films a household keeps at most; `undefined`: no limit. What somebody marked stays in any case. */
export interface RetentionLimits {
  readonly days: number | undefined;
  readonly bytes: number | undefined;
}

/** So many are looked for at a time. */
const MOST_AT_ONCE = 500;
const DAY_S = 86_400;
/** What was removed stays known at least so long. */
const REMEMBERED_S = 30 * DAY_S;

/** How long households keep films: by age and by space. The database does the sums. */
export class Retention {
  readonly #database: Database;
  readonly #clock: Clock;

  constructor({ database, clock }: { database: Database; clock: Clock }) {
    this.#database = database;
    this.#clock = clock;
  }

  async limits(household: string): Promise<RetentionLimits> {
    const select = 'SELECT * FROM capture_retention WHERE household = ?';
    const [limits] = await this.#database.query(select, [household], (row) => ({
      days: row.optionalNumber('days'),
      bytes: row.optionalNumber('bytes'),
    }));
    return limits ?? { days: undefined, bytes: undefined };
  }

  async setLimits(household: string, { days, bytes }: RetentionLimits): Promise<void> {
    const insert = `INSERT INTO capture_retention (household, days, bytes) VALUES (?, ?, ?)
      ON CONFLICT (household) DO UPDATE SET days = excluded.days, bytes = excluded.bytes`;
    await this.#database.execute(insert, [household, days ?? null, bytes ?? null]);
  }

  /** Bytes of the segments that a household has. */
  async used(household: string): Promise<number> {
    const select = `SELECT CAST(coalesce(sum(${USED_BYTES}), 0) AS BIGINT) AS used FROM captures c
      WHERE c.household = ? AND c.removed IS NULL`;
    const [used = 0] = await this.#database.query(select, [household], (row) => row.number('used'));
    return used;
  }

  /** Some films that retention may take, of households that want it, oldest first. None: there are no more. */
  async overdue(): Promise<string[]> {
    const select =
      'SELECT * FROM capture_retention WHERE days IS NOT NULL OR bytes IS NOT NULL ORDER BY household';
    const all = await this.#database.query(select, [], (row) => ({
      household: row.text('household'),
      days: row.optionalNumber('days'),
      bytes: row.optionalNumber('bytes'),
    }));
    for (const { household, days, bytes } of all) {
      const old = days === undefined ? [] : await this.#tooOld(household, days);
      if (old.length > 0) return old;
      const large = bytes === undefined ? [] : await this.#tooLarge(household, bytes);
      if (large.length > 0) return large;
    }
    return [];
  }

  #tooOld(household: string, days: number): Promise<string[]> {
    const select = `SELECT c.id FROM captures c WHERE c.household = ? AND c.timestamp < ? AND c.removed IS NULL
      AND c.is_kept = 0 ORDER BY c.timestamp, c.id LIMIT ${MOST_AT_ONCE}`;
    return this.#database.query(select, [household, this.#now() - days * DAY_S], (row) => row.text('id'));
  }

  /** What has to go, the oldest first, until the rest is small enough; what is marked counts, and stays. */
  async #tooLarge(household: string, bytes: number): Promise<string[]> {
    const tooMuch = (await this.used(household)) - bytes;
    if (tooMuch <= 0) return [];
    // What is older than the film, and goes before it.
    const select = `SELECT id FROM (
        SELECT id, timestamp, sum(bytes) OVER (ORDER BY timestamp, id ROWS UNBOUNDED PRECEDING) - bytes AS older
        FROM (SELECT c.id, c.timestamp, ${USED_BYTES} AS bytes FROM captures c
          WHERE c.household = ? AND c.removed IS NULL AND c.is_kept = 0
          ORDER BY c.timestamp, c.id LIMIT ${MOST_AT_ONCE}) oldest
      ) summed WHERE older < ? ORDER BY timestamp, id`;
    return await this.#database.query(select, [household, tooMuch], (row) => row.text('id'));
  }

  /**
   * Forgets removed films that no device can offer again, with their alarms. A device offers what it was not promised,
   * oldest first: once it has brought what it filmed later, it has nothing left of the film. A cloudtalker never offers
   * anything again. Alarms without a film go when films of their time do.
   */
  async prune(): Promise<void> {
    const before = (this.#now() - REMEMBERED_S) * 1_000;
    const over = `SELECT c.id FROM captures c WHERE c.removed < ? AND (c.source = 'cloudtalker' OR EXISTS (
      SELECT 1 FROM captures n JOIN capture_segments s ON s.capture = n.id
      WHERE n.device = c.device AND n.timestamp > c.timestamp AND s.stored > c.removed
        AND NOT EXISTS (SELECT 1 FROM capture_alarms a WHERE a.capture = n.id)))
      ORDER BY c.removed LIMIT ${MOST_AT_ONCE}`;
    for (;;) {
      const ids = await this.#database.query(over, [before], (row) => row.text('id'));
      const those = `(${ids.map(() => '?').join(', ')})`;
      await this.#database.transaction(async (queries) => {
        if (ids.length === 0) return;
        await queries.execute(`DELETE FROM capture_segments WHERE capture IN ${those}`, ids);
        await queries.execute(`DELETE FROM capture_alarms WHERE capture IN ${those}`, ids);
        await queries.execute(`DELETE FROM captures WHERE id IN ${those}`, ids);
      });
      if (ids.length < MOST_AT_ONCE) break;
    }
    const alarms = `DELETE FROM capture_alarms WHERE capture IS NULL AND timestamp < (SELECT
      CAST(? AS BIGINT) - ${DAY_S} * CASE WHEN r.days < 30 THEN 30 ELSE r.days END
      FROM capture_retention r WHERE r.household = capture_alarms.household AND r.days IS NOT NULL)`;
    await this.#database.execute(alarms, [this.#now()]);
  }

  /** Seconds since 1970. */
  #now(): number {
    return Math.floor(this.#clock.wall() / 1_000);
  }
}
