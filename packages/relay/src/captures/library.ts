import { randomBytes } from 'node:crypto';
import { type Clock, Emitter } from '@perch/runtime';
import type { Database, Queries } from '../storage/database.ts';
import type { Row } from '../storage/row.ts';
import {
  type Capture,
  type CaptureFacts,
  type CaptureSummary,
  decodeCapture,
  decodeSegment,
  decodeSummary,
  type Segment,
  SUMMARY,
} from './capture.ts';
import type { Alarm } from './catalogue.ts';
import type { StoredFile } from './store/place.ts';

/** What happened to films. */
export interface LibraryNews {
  /** The first of a film has come. */
  begun: Capture;
  /** A segment is here, or is known never to come; or something else of the film is known now. */
  changed: { readonly capture: string; readonly segment?: number };
  /** A film was deleted. */
  removed: { readonly capture: string; readonly household: string; readonly device: string };
  /** There is one more alarm. */
  alarm: Alarm & { readonly household: string };
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
    verdict:
      | { readonly duration: number; readonly reason?: string | undefined }
      | { readonly reason: string },
  ): Promise<void> {
    const update = `UPDATE capture_segments SET playable = ?, duration = ?, reason = ?
      WHERE capture = ? AND number = ? AND sha256 = ?`;
    const [playable, duration, reason] =
      'duration' in verdict ? [1, verdict.duration, verdict.reason ?? null] : [0, null, verdict.reason];
    await this.#database.execute(update, [playable, duration, reason, capture, number, sha256]);
    this.news.emit('changed', { capture });
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

  /** Files of segments that the same camera has probably made: the nearest in the film first, then of its latest films. */
  async sisters({ id, device }: Capture, number: number): Promise<StoredFile[]> {
    const columns =
      'SELECT c.device, c.name, s.* FROM capture_segments s JOIN captures c ON c.id = s.capture';
    const there = `s.state = 'here' AND coalesce(s.playable, 1) = 1 AND s.reason IS NULL`;
    const own = `${columns} WHERE c.id = ? AND s.number <> ? AND ${there} ORDER BY abs(s.number - ?) LIMIT 20`;
    const latest = `${columns} WHERE c.id IN (SELECT id FROM captures WHERE device = ? AND id <> ? AND removed IS NULL
      ORDER BY timestamp DESC LIMIT 10) AND s.number = 0 AND ${there} ORDER BY c.timestamp DESC LIMIT 3`;
    const read = (row: Row) =>
      fileOf({ device: row.text('device'), name: row.text('name') }, decodeSegment(row));
    const files = [
      ...(await this.#database.query(own, [id, number, number], read)),
      ...(await this.#database.query(latest, [device, id], read)),
    ];
    return files.flat();
  }

  /** Says whether retention is to pass a film over. */
  async keep(id: string, isKept: boolean): Promise<void> {
    await this.#database.execute('UPDATE captures SET is_kept = ? WHERE id = ?', [isKept ? 1 : 0, id]);
    this.news.emit('changed', { capture: id });
  }

  /**
   * Takes a film out. Its rows stay: a segment of it that a device offers again is known, one that is new brings it back.
   *
   * @param isGiven somebody asked for it: a film with the keep flag goes too.
   * @returns the files that may be removed now; `undefined` where the film was not there, or is kept.
   */
  async remove(id: string, { isGiven }: { isGiven: boolean }): Promise<StoredFile[] | undefined> {
    const gone = await this.#database.transaction(async (queries) => {
      const update = `UPDATE captures SET removed = ? WHERE id = ? AND removed IS NULL AND (is_kept = 0 OR ? = 1)
        RETURNING *`;
      const [capture] = await queries.query(update, [this.#now(), id, isGiven ? 1 : 0], decodeCapture);
      if (!capture) return undefined;
      const segments = `UPDATE capture_segments SET state = 'removed' WHERE capture = ? AND state IN ('here', 'cut')
        RETURNING *`;
      const removed = await queries.query(segments, [id], decodeSegment);
      return { capture, files: removed.flatMap((segment) => fileOf(capture, segment)) };
    });
    if (!gone) return undefined;
    const { household, device } = gone.capture;
    this.news.emit('removed', { capture: id, household, device });
    return gone.files;
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
