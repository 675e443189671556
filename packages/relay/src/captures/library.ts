import { randomBytes } from 'node:crypto';
import { type Clock, Emitter } from '@perch/runtime';
import type { Database, Queries, Value } from '../storage/database.ts';
import {
  type Capture,
  type CaptureFacts,
  type CaptureSummary,
  type Cause,
  decodeCapture,
  decodeSegment,
  decodeSummary,
  type Segment,
} from './capture.ts';
import type { StoredFile } from './store/place.ts';

/** What happened to films. */
export interface LibraryNews {
  /** The first of a film has come. */
  begun: Capture;
  /** A segment is here, or is known never to come, or the film is over. */
  changed: { readonly capture: string; readonly segment?: number };
  /** There is one more alarm. */
  alarm: Alarm & { readonly household: string };
}

/** Which films a list is to have: the newest first. */
export interface Wanted {
  readonly household: string;
  readonly device?: string | undefined;
  readonly cause?: Cause | undefined;
  /** Only those with an alarm. */
  readonly withAlarm?: boolean | undefined;
  /** Only those not newer than this: seconds since 1970. */
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

/** What of its films a household keeps at most; `undefined`: no limit. What somebody marked stays in any case. */
export interface RetentionLimits {
  readonly days: number | undefined;
  readonly bytes: number | undefined;
}

/** A segment whose bytes are on the disk. */
export interface Stored {
  readonly extension: string;
  readonly size: number;
  readonly sha256: string;
  /** The connection broke in it. */
  readonly isCut?: boolean;
}

/** What is known of films, in the database. What it says is kept is on the disk. */
export class Library {
  readonly news = new Emitter<LibraryNews>();
  readonly #database: Database;
  readonly #clock: Clock;

  constructor({ database, clock }: { database: Database; clock: Clock }) {
    this.#database = database;
    this.#clock = clock;
  }

  /** Notes a segment whose file is in its place. One that was cut or lost before is here now. */
  async keepSegment(of: CaptureFacts, number: number, file: Stored): Promise<void> {
    const capture = await this.#database.transaction(async (queries) => {
      const known = await this.#touch(queries, of, true);
      const insert = `INSERT INTO capture_segments (capture, number, state, extension, size, sha256, stored)
        VALUES (?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (capture, number) DO UPDATE SET state = excluded.state, extension = excluded.extension,
          size = excluded.size, sha256 = excluded.sha256, stored = excluded.stored, reason = NULL, playable = NULL,
          duration = NULL`;
      const state = file.isCut ? 'cut' : 'here';
      await queries.execute(insert, [
        known.id,
        number,
        state,
        file.extension,
        file.size,
        file.sha256,
        this.#now(),
      ]);
      return known;
    });
    this.#tell(capture, number);
  }

  /** Notes that a segment will never come. One that is here stays. */
  async loseSegment(of: CaptureFacts, number: number, reason: string): Promise<void> {
    const capture = await this.#database.transaction(async (queries) => {
      const known = await this.#touch(queries, of, false);
      const insert = `INSERT INTO capture_segments (capture, number, state, reason, stored) VALUES (?, ?, 'lost', ?, ?)
        ON CONFLICT (capture, number) DO NOTHING`;
      await queries.execute(insert, [known.id, number, reason, this.#now()]);
      return known;
    });
    this.#tell(capture, number);
  }

  /**
   * Notes that a film is over. One that never had anything is none: a device that ended as it began to film says so later.
   *
   * @param segments so many it has, lost ones included, where the device says so.
   */
  async end(of: CaptureFacts, segments?: number): Promise<void> {
    const capture = await this.#database.transaction(async (queries) => {
      if (segments === 0 && !(await isKnown(queries, of))) return undefined;
      const known = await this.#touch(queries, of, false);
      const update = `UPDATE captures SET ended = coalesce(ended, ?), segments = coalesce(?, segments) WHERE id = ?`;
      await queries.execute(update, [this.#now(), segments ?? null, known.id]);
      return known;
    });
    if (capture) this.#tell(capture);
  }

  /** Notes an alarm; the same id again is the same alarm. */
  async raiseAlarm(
    alarm: { household: string; device: string; id: string; timestamp: number; gpio?: number | undefined },
    of?: CaptureFacts,
  ): Promise<void> {
    const { capture, isNew } = await this.#database.transaction(async (queries) => {
      const known = of && (await this.#touch(queries, of, false));
      const insert = `INSERT INTO capture_alarms (device, id, household, timestamp, capture, gpio)
        VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (device, id) DO NOTHING`;
      const { device, id, household, timestamp, gpio } = alarm;
      const values = [device, id, household, timestamp, known?.id ?? null, gpio ?? null];
      return { capture: known, isNew: (await queries.execute(insert, values)) > 0 };
    });
    if (capture) this.#tell(capture);
    if (isNew) this.news.emit('alarm', { ...alarm, capture: capture?.id, gpio: alarm.gpio });
  }

  /** Notes what ffmpeg made of a segment. */
  async judge(
    capture: string,
    number: number,
    sha256: string,
    verdict: { readonly duration: number } | { readonly reason: string },
  ): Promise<void> {
    const update = `UPDATE capture_segments SET playable = ?, duration = ?, reason = ?
      WHERE capture = ? AND number = ? AND sha256 = ?`;
    const [playable, duration, reason] =
      'duration' in verdict ? [1, verdict.duration, null] : [0, null, verdict.reason];
    await this.#database.execute(update, [playable, duration, reason, capture, number, sha256]);
  }

  /** A segment by the device's own names for it; `undefined` where nothing is known of it. */
  async segmentOf(device: string, name: string, number: number): Promise<Segment | undefined> {
    const select = `SELECT s.* FROM capture_segments s JOIN captures c ON c.id = s.capture
      WHERE c.device = ? AND c.name = ? AND s.number = ?`;
    const [segment] = await this.#database.query(select, [device, name, number], decodeSegment);
    return segment;
  }

  /** A film that is there and was not deleted. */
  async find(id: string): Promise<CaptureSummary | undefined> {
    const [capture] = await this.#database.query(
      `${SUMMARY} WHERE c.id = ? AND c.removed IS NULL`,
      [id],
      decodeSummary,
    );
    return capture;
  }

  /** Its segments, in order: those too that are lost. */
  segments(id: string): Promise<Segment[]> {
    const select = 'SELECT * FROM capture_segments WHERE capture = ? ORDER BY number';
    return this.#database.query(select, [id], decodeSegment);
  }

  list({ household, device, cause, withAlarm, until, after, most }: Wanted): Promise<CaptureSummary[]> {
    const select = `${SUMMARY} WHERE c.removed IS NULL AND c.household = ?
      AND (CAST(? AS TEXT) IS NULL OR c.device = ?) AND (CAST(? AS TEXT) IS NULL OR c.cause = ?)
      AND (CAST(? AS BIGINT) IS NULL OR c.timestamp <= ?)
      AND (CAST(? AS BIGINT) IS NULL OR c.timestamp < ? OR (c.timestamp = ? AND c.id > ?))
      AND (CAST(? AS BIGINT) = 0 OR c.id IN (SELECT capture FROM capture_alarms WHERE household = ?))
      ORDER BY c.timestamp DESC, c.id LIMIT ?`;
    const each = (value: Value | undefined): Value[] => [value ?? null, value ?? null];
    const from = after?.timestamp;
    const values = [
      household,
      ...[...each(device), ...each(cause), ...each(until)],
      ...[...each(from), from ?? null, after?.id ?? null],
      ...[withAlarm ? 1 : 0, household, most],
    ];
    return this.#database.query(select, values, decodeSummary);
  }

  /** The newest alarms of a household, or of one of its devices. */
  alarms({
    household,
    device,
    until,
    most,
  }: Omit<Wanted, 'cause' | 'withAlarm' | 'after'>): Promise<Alarm[]> {
    const select = `SELECT * FROM capture_alarms WHERE household = ? AND (CAST(? AS TEXT) IS NULL OR device = ?)
      AND (CAST(? AS BIGINT) IS NULL OR timestamp <= ?) ORDER BY timestamp DESC, id LIMIT ?`;
    const values = [household, device ?? null, device ?? null, until ?? null, until ?? null, most];
    return this.#database.query(select, values, (row) => ({
      device: row.text('device'),
      id: row.text('id'),
      timestamp: row.number('timestamp'),
      capture: row.optionalText('capture'),
      gpio: row.optionalNumber('gpio'),
    }));
  }

  /** Says whether retention is to pass a film over. */
  async keep(id: string, isKept: boolean): Promise<void> {
    await this.#database.execute('UPDATE captures SET is_kept = ? WHERE id = ?', [isKept ? 1 : 0, id]);
  }

  /**
   * Takes a film out. Its rows stay: a segment of it that a device offers again is known, one that is new brings it back.
   *
   * @param isGiven somebody asked for it: a film with the keep flag goes too.
   * @returns the files that may be removed now; `undefined` where the film was not there, or is kept.
   */
  remove(id: string, { isGiven }: { isGiven: boolean }): Promise<StoredFile[] | undefined> {
    return this.#database.transaction(async (queries) => {
      const update = `UPDATE captures SET removed = ? WHERE id = ? AND removed IS NULL AND (is_kept = 0 OR ? = 1)
        RETURNING *`;
      const [capture] = await queries.query(update, [this.#now(), id, isGiven ? 1 : 0], decodeCapture);
      if (!capture) return undefined;
      const segments = `UPDATE capture_segments SET state = 'removed' WHERE capture = ? AND state IN ('here', 'cut')
        RETURNING *`;
      const removed = await queries.query(segments, [id], decodeSegment);
      return removed.flatMap((segment) => fileOf(capture, segment));
    });
  }

  /** Files of films that were removed since then: some may still be there, where the relay ended in between. */
  async removedSince(since: number): Promise<StoredFile[]> {
    const select = `SELECT c.device, c.name, s.* FROM capture_segments s JOIN captures c ON c.id = s.capture
      WHERE c.removed >= ? AND s.state = 'removed'`;
    const files = await this.#database.query(select, [since], (row) =>
      fileOf({ device: row.text('device'), name: row.text('name') }, decodeSegment(row)),
    );
    return files.flat();
  }

  /** Films that retention may take, of households that want it, oldest first; with what their household keeps at most. */
  async overdue(): Promise<string[]> {
    const limits = await this.#database.query('SELECT * FROM capture_retention', [], (row) => ({
      household: row.text('household'),
      days: row.optionalNumber('days'),
      bytes: row.optionalNumber('bytes'),
    }));
    const overdue: string[] = [];
    for (const { household, days, bytes } of limits) {
      const films = await this.#database.query(
        `${SUMMARY} WHERE c.removed IS NULL AND c.household = ? ORDER BY c.timestamp, c.id`,
        [household],
        decodeSummary,
      );
      const oldest = days === undefined ? 0 : this.#now() / 1_000 - days * 86_400;
      let sum = films.reduce((total, film) => total + film.bytes, 0);
      for (const film of films) {
        const isTooMuch = bytes !== undefined && sum > bytes;
        if (film.isKept || (film.timestamp >= oldest && !isTooMuch)) continue;
        overdue.push(film.id);
        sum -= film.bytes;
      }
    }
    return overdue;
  }

  /** How long a household keeps films. */
  async retention(household: string): Promise<RetentionLimits> {
    const select = 'SELECT * FROM capture_retention WHERE household = ?';
    const [limits] = await this.#database.query(select, [household], (row) => ({
      days: row.optionalNumber('days'),
      bytes: row.optionalNumber('bytes'),
    }));
    return limits ?? { days: undefined, bytes: undefined };
  }

  async setRetention(household: string, { days, bytes }: RetentionLimits): Promise<void> {
    const insert = `INSERT INTO capture_retention (household, days, bytes) VALUES (?, ?, ?)
      ON CONFLICT (household) DO UPDATE SET days = excluded.days, bytes = excluded.bytes`;
    await this.#database.execute(insert, [household, days ?? null, bytes ?? null]);
  }

  /** Ends films of cloudtalkers of which nothing has come for so long: no one else says that they are over. */
  async endSilent(silence: number): Promise<void> {
    const update = `UPDATE captures SET ended = changed
      WHERE source = 'cloudtalker' AND ended IS NULL AND changed < ? RETURNING *`;
    for (const capture of await this.#database.query(update, [this.#now() - silence], decodeCapture)) {
      this.#tell(capture);
    }
  }

  /** @param isThere brings a removed film back. */
  async #touch(queries: Queries, of: CaptureFacts, isThere: boolean): Promise<Capture & { isNew: boolean }> {
    const id = randomBytes(16).toString('base64url');
    const insert = `INSERT INTO captures (id, household, device, name, source, cause, timestamp, changed, is_kept)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)
      ON CONFLICT (device, name) DO UPDATE SET changed = excluded.changed,
        removed = CASE WHEN CAST(? AS BIGINT) = 1 THEN NULL ELSE captures.removed END
      RETURNING *`;
    const values = [id, of.household, of.device, of.name, of.source, of.cause, of.timestamp, this.#now()];
    const [capture] = await queries.query(insert, [...values, isThere ? 1 : 0], decodeCapture);
    if (!capture) throw new Error('an INSERT with RETURNING gives its row');
    return { ...capture, isNew: capture.id === id };
  }

  #tell(capture: Capture & { isNew?: boolean }, segment?: number): void {
    if (capture.isNew) this.news.emit('begun', capture);
    this.news.emit('changed', { capture: capture.id, ...(segment !== undefined && { segment }) });
  }

  #now(): number {
    return Math.floor(this.#clock.wall());
  }
}

async function isKnown(queries: Queries, { device, name }: CaptureFacts): Promise<boolean> {
  const select = 'SELECT id FROM captures WHERE device = ? AND name = ?';
  return (await queries.query(select, [device, name], () => true)).length > 0;
}

const fileOf = ({ device, name }: { device: string; name: string }, segment: Segment): StoredFile[] =>
  segment.file ? [{ device, capture: name, segment: segment.number, ...segment.file }] : [];

const count = (what: string, states: string) =>
  `(SELECT ${what} FROM capture_segments s WHERE s.capture = c.id AND s.state IN (${states}))`;
const SUMMARY = `SELECT c.*,
  ${count('count(*)', "'here', 'cut'")} AS here,
  ${count('count(*)', "'lost', 'removed'")} AS lost,
  ${count('CAST(coalesce(sum(size), 0) AS BIGINT)', "'here', 'cut'")} AS bytes,
  ${count('CAST(coalesce(sum(duration), 0) AS BIGINT)', "'here', 'cut'")} AS duration,
  (SELECT count(*) FROM capture_alarms a WHERE a.capture = c.id) AS alarms
  FROM captures c`;
