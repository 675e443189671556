import type { Database, Value } from '../storage/database.ts';
import type { Row } from '../storage/row.ts';
import { type CaptureSummary, type Cause, decodeSummary, SUMMARY } from './capture.ts';

/** Whose films somebody may see. */
export interface Shelf {
  readonly household: string;
  /** Films of these devices alone. */
  readonly devices?: readonly string[] | undefined;
  /** No films of these. */
  readonly but?: readonly string[] | undefined;
  /** This film alone. */
  readonly capture?: string | undefined;
}

/** Which films a list is to have: the newest first. Times are seconds since 1970. */
export interface Wanted {
  readonly shelf: Shelf;
  readonly device?: string | undefined;
  readonly cause?: Cause | undefined;
  /** Only those with an alarm. */
  readonly withAlarm?: boolean | undefined;
  /** Only those not older than this. */
  readonly since?: number | undefined;
  /** Only those not newer than this. */
  readonly until?: number | undefined;
  /** Only those that come after this one in the list. */
  readonly after?: { readonly timestamp: number; readonly id: string } | undefined;
  readonly most: number;
}

/** An event without film, or one that a film tells of. `timestamp`: seconds since 1970. */
export interface Alarm {
  readonly device: string;
  readonly id: string;
  readonly timestamp: number;
  /** The relay's id of the film that tells of it. */
  readonly capture: string | undefined;
  readonly gpio: number | undefined;
}

/** What there is of a quarter of an hour. */
export interface QuarterCount {
  /** When it began: seconds since 1970. */
  readonly timestamp: number;
  readonly captures: number;
  readonly alarms: number;
}

/** No zone of the world is set by less than this. In seconds. */
export const QUARTER = 900;

/** What people look for among films: few rows of very many, and no more than they may see. */
export class Catalogue {
  readonly #database: Database;

  constructor({ database }: { database: Database }) {
    this.#database = database;
  }

  list({ shelf, device, cause, withAlarm, since, until, after, most }: Wanted): Promise<CaptureSummary[]> {
    const where = new Where().on(shelf, 'c', 'c.id').and('c.removed IS NULL').between('c', since, until);
    if (device !== undefined) where.and('c.device = ?', device);
    if (cause !== undefined) where.and('c.cause = ?', cause);
    if (withAlarm) where.and('EXISTS (SELECT 1 FROM capture_alarms a WHERE a.capture = c.id)');
    // The first condition is what an index knows.
    if (after) {
      const { timestamp, id } = after;
      where.and('c.timestamp <= ? AND (c.timestamp < ? OR c.id > ?)', timestamp, timestamp, id);
    }
    const select = `${SUMMARY} WHERE ${where.text} ORDER BY c.timestamp DESC, c.id LIMIT ?`;
    return this.#database.query(select, [...where.values, most], decodeSummary);
  }

  /** The newest alarms. */
  alarms({
    shelf,
    device,
    since,
    until,
    most,
  }: Omit<Wanted, 'cause' | 'withAlarm' | 'after'>): Promise<Alarm[]> {
    const where = new Where().on(shelf, 'a', 'a.capture').between('a', since, until);
    if (device !== undefined) where.and('a.device = ?', device);
    const select = `SELECT a.* FROM capture_alarms a WHERE ${where.text} ORDER BY a.timestamp DESC, a.id LIMIT ?`;
    return this.#database.query(select, [...where.values, most], decodeAlarm);
  }

  /** How many films and alarms there are of each quarter of an hour, where there is any. */
  async quarters({
    shelf,
    device,
    since,
    until,
  }: Pick<Wanted, 'shelf' | 'device' | 'since' | 'until'>): Promise<QuarterCount[]> {
    const count = async (of: string, name: string, id: string, only: string) => {
      const where = new Where().on(shelf, name, id).and(only).between(name, since, until);
      if (device !== undefined) where.and(`${name}.device = ?`, device);
      const select = `SELECT ${name}.timestamp / ${QUARTER} AS quarter, count(*) AS found FROM ${of} ${name}
        WHERE ${where.text} GROUP BY ${name}.timestamp / ${QUARTER}`;
      return await this.#database.query(select, where.values, (row) => ({
        timestamp: row.number('quarter') * QUARTER,
        found: row.number('found'),
      }));
    };
    const counts = new Map<number, { captures: number; alarms: number }>();
    const at = (timestamp: number) => {
      const known = counts.get(timestamp) ?? { captures: 0, alarms: 0 };
      counts.set(timestamp, known);
      return known;
    };
    const films = await count('captures', 'c', 'c.id', 'c.removed IS NULL');
    for (const { timestamp, found } of films) at(timestamp).captures = found;
    const alarms = await count('capture_alarms', 'a', 'a.capture', '1 = 1');
    for (const { timestamp, found } of alarms) at(timestamp).alarms = found;
    return [...counts]
      .map(([timestamp, each]) => ({ timestamp, ...each }))
      .sort((a, b) => a.timestamp - b.timestamp);
  }
}

/** Conditions that all hold: only those that are asked for, so that the database finds the index for them. */
class Where {
  readonly #conditions: string[] = [];
  readonly values: Value[] = [];

  and(condition: string, ...values: readonly Value[]): this {
    this.#conditions.push(`(${condition})`);
    this.values.push(...values);
    return this;
  }

  /** @param name of the table. @param id the column that has the film's id. */
  on({ household, devices, but, capture }: Shelf, name: string, id: string): this {
    this.and(`${name}.household = ?`, household);
    if (capture !== undefined) this.and(`${id} = ?`, capture);
    if (devices)
      this.and(devices.length === 0 ? '1 = 0' : `${name}.device IN (${marks(devices)})`, ...devices);
    if (but && but.length > 0) this.and(`${name}.device NOT IN (${marks(but)})`, ...but);
    return this;
  }

  between(name: string, since: number | undefined, until: number | undefined): this {
    if (since !== undefined) this.and(`${name}.timestamp >= ?`, since);
    if (until !== undefined) this.and(`${name}.timestamp <= ?`, until);
    return this;
  }

  get text(): string {
    return this.#conditions.join(' AND ');
  }
}

const marks = (values: readonly unknown[]): string => values.map(() => '?').join(', ');

const decodeAlarm = (row: Row): Alarm => ({
  device: row.text('device'),
  id: row.text('id'),
  timestamp: row.number('timestamp'),
  capture: row.optionalText('capture'),
  gpio: row.optionalNumber('gpio'),
});
