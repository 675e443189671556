import type { Clock, Logger } from '@perch/runtime';
import type { Authority } from '../auth/codes.ts';
import type { Database, Queries } from '../storage/database.ts';

/** What somebody has by a booking. */
export type BookingAuthority = Authority & { readonly kind: 'booking' };

/** So many are remembered of each list. */
const MOST = 100_000;
/** Longest name of a booking. */
export const BOOKING_ID_CHARS = 256;

/** Times in milliseconds since 1970. */
interface Cancelled {
  /** Denied until then; 0: that was taken back. */
  readonly until: number;
  /** Rights from up to then are dead, also when the booking is allowed again. */
  readonly ended: number;
  readonly forget: number;
}

/**
 * The bookings that are in use and those that were cancelled (COMPAT 3.3), each until it would have ended anyway. What
 * is cancelled is kept in the database, so that it stays cancelled over a restart and at every relay that shares it.
 * Being on the list of the allowed gives no right: it is this relay's own, to be looked at.
 */
export class Bookings {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #onNews: () => void;
  readonly #allowed = new Map<string, number>();
  readonly #cancelled = new Map<string, Cancelled>();
  #seen = -1;
  #reading: Promise<void> | undefined;
  #isOutOfTouch = false;

  /** @param options.onNews called when something may have ended. */
  constructor(options: { database: Database; clock: Clock; logger: Logger; onNews: () => void }) {
    this.#database = options.database;
    this.#clock = options.clock;
    this.#logger = options.logger;
    this.#onNews = options.onNews;
  }

  /** Reads what was cancelled before. @throws {RelayError} where the database does not give it. */
  async open(): Promise<void> {
    await this.#read();
  }

  /**
   * Cancels a booking: at once, then on the disk.
   *
   * @param until milliseconds since 1970.
   * @returns false where there is no room: then nothing has changed.
   */
  async deny(id: string, until: number): Promise<boolean> {
    const now = this.#now;
    if (this.#cancelled.size >= MOST) this.#forget(now);
    if (this.#cancelled.size >= MOST) return false;
    this.#allowed.delete(id);
    this.#cancelled.set(id, { until, ended: now, forget: until });
    this.#onNews();
    await this.#database.transaction(async (queries) => {
      await queries.execute('DELETE FROM cancelled_bookings WHERE forget <= ?', [now]);
      const upsert = `INSERT INTO cancelled_bookings (id, until, ended, forget) VALUES (?, ?, ?, ?)
        ON CONFLICT (id) DO UPDATE SET until = excluded.until, ended = excluded.ended, forget = excluded.forget`;
      await queries.execute(upsert, [id, until, now, until]);
      await count(queries);
    });
    return true;
  }

  /** Takes a cancellation back: on the disk, then here. */
  async allow(id: string, until: number): Promise<void> {
    await this.#database.transaction(async (queries) => {
      const change = 'UPDATE cancelled_bookings SET until = 0 WHERE id = ?';
      if ((await queries.execute(change, [id])) > 0) await count(queries);
    });
    const cancelled = this.#cancelled.get(id);
    if (cancelled) this.#cancelled.set(id, { ...cancelled, until: 0 });
    this.use(id, until);
  }

  /** A booking is in use. */
  use(id: string, until: number): void {
    // It may have been cancelled while its code was made.
    if (this.isDenied(id)) return;
    if (this.#allowed.size >= MOST) {
      for (const [other, end] of this.#allowed) if (end <= this.#now) this.#allowed.delete(other);
    }
    if (this.#allowed.size < MOST) this.#allowed.set(id, until);
  }

  isDenied(id: string): boolean {
    return (this.#cancelled.get(id)?.until ?? 0) > this.#now;
  }

  /** Whether what rests on a booking still holds. */
  holds({ id, since, expires }: BookingAuthority): boolean {
    if (expires <= this.#now || this.isDenied(id)) return false;
    const ended = this.#cancelled.get(id)?.ended;
    return ended === undefined || since > ended;
  }

  get denied(): readonly string[] {
    return [...this.#cancelled].filter(([, { until }]) => until > this.#now).map(([id]) => id);
  }

  get allowed(): readonly string[] {
    return [...this.#allowed].filter(([, until]) => until > this.#now).map(([id]) => id);
  }

  /** Looks whether another relay has changed something. A failure is in the log, once; what was known holds. */
  poll(): Promise<void> {
    this.#reading ??= this.#read()
      .then(
        (isNew) => {
          this.#isOutOfTouch = false;
          if (isNew) this.#onNews();
        },
        (error: Error) => {
          if (!this.#isOutOfTouch) {
            this.#logger.error('it cannot be seen which bookings were cancelled elsewhere', {
              error: error.message,
            });
          }
          this.#isOutOfTouch = true;
        },
      )
      .finally(() => {
        this.#reading = undefined;
      });
    return this.#reading;
  }

  /** Whole milliseconds, as the database has them. */
  get #now(): number {
    return Math.floor(this.#clock.wall());
  }

  /** @returns whether something has changed. */
  async #read(): Promise<boolean> {
    const [n = 0] = await this.#database.query('SELECT n FROM booking_changes', [], (row) => row.number('n'));
    if (n === this.#seen) return false;
    const all = 'SELECT id, until, ended, forget FROM cancelled_bookings WHERE forget > ? ORDER BY ended, id';
    const rows = await this.#database.query(all, [this.#now], (row) => {
      const times = { until: row.number('until'), ended: row.number('ended'), forget: row.number('forget') };
      return { id: row.text('id'), ...times };
    });
    this.#seen = n;
    this.#forget(this.#now);
    for (const { id, ...read } of rows) {
      // A cancellation of our own may be on its way to the disk.
      if (read.ended < (this.#cancelled.get(id)?.ended ?? 0)) continue;
      this.#cancelled.set(id, read);
      if (read.until > 0) this.#allowed.delete(id);
    }
    return true;
  }

  #forget(now: number): void {
    for (const [id, { forget }] of this.#cancelled) if (forget <= now) this.#cancelled.delete(id);
  }
}

const count = (queries: Queries): Promise<number> => queries.execute('UPDATE booking_changes SET n = n + 1');
