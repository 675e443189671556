import { type Clock, type Logger, millis, type Timer } from '@perch/runtime';
import type { Database } from '../storage/database.ts';
import { appendEntries } from './append.ts';
import type { AuditEntry } from './entry.ts';

/** What is noted within this time is written together; a crash loses no more than this. */
const PERIOD = millis(500);
/** So many wait at most, while the database is away. Those that come then are counted, and the count is written. */
const MOST_WAITING = 10_000;
const MOST_AT_ONCE = 500;

export type Noted = Omit<AuditEntry, 'at' | 'until' | 'outcome' | 'times'>;

/** Who did what, from when to when: written in batches to a chain that shows whether anybody changed it later. */
export class Audit implements AsyncDisposable {
  readonly #database: Database;
  readonly #node: string;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #waiting: AuditEntry[] = [];
  #lost = 0;
  #timer: Timer | undefined;
  #writing: Promise<void> = Promise.resolve();
  #isStuck = false;

  /** @param options.node which chain to write. */
  constructor(options: { database: Database; node: string; clock: Clock; logger: Logger }) {
    this.#database = options.database;
    this.#node = options.node;
    this.#clock = options.clock;
    this.#logger = options.logger;
  }

  /** Milliseconds since 1970, whole, as entries have them. */
  now(): number {
    return Math.floor(this.#clock.wall());
  }

  note(entry: AuditEntry): void {
    if (this.#waiting.length >= MOST_WAITING) {
      this.#lost++;
      return;
    }
    this.#waiting.push(entry);
    this.#timer ??= this.#clock.after(PERIOD, () => {
      this.#timer = undefined;
      void this.flush();
    });
  }

  /** Notes what happened just now. */
  done(entry: Noted): void {
    this.note({ ...entry, at: this.now(), outcome: 'done' });
  }

  /** Notes that something begins. @returns what notes its end; once. */
  begin(entry: Noted): () => void {
    const at = this.now();
    this.note({ ...entry, at, outcome: 'begun' });
    let hasEnded = false;
    return () => {
      if (hasEnded) return;
      hasEnded = true;
      this.note({ ...entry, at, until: Math.max(at, this.now()), outcome: 'ended' });
    };
  }

  /** Writes what was noted. Where the database refuses, it is tried again later, and the log says so once. */
  flush(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#writing = this.#writing.then(() => this.#write());
    return this.#writing;
  }

  /** Writes all that was noted. Note nothing after. */
  async close(): Promise<void> {
    await this.flush();
    this.#timer?.cancel();
    if (this.#waiting.length > 0) {
      this.#logger.error('the last of the audit could not be written', { entries: this.#waiting.length });
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      const some = this.#waiting.slice(0, MOST_AT_ONCE);
      const lost = this.#lost;
      try {
        await appendEntries(this.#database, this.#node, [...some, ...this.#lostNote(lost)]);
      } catch (error) {
        if (!this.#isStuck) this.#logger.error('the audit cannot be written now', { error: String(error) });
        this.#isStuck = true;
        this.#timer ??= this.#clock.after(millis(10 * PERIOD), () => {
          this.#timer = undefined;
          void this.flush();
        });
        return;
      }
      this.#isStuck = false;
      this.#lost -= lost;
      this.#waiting = this.#waiting.slice(some.length);
    }
  }

  #lostNote(times: number): AuditEntry[] {
    if (times === 0) return [];
    const at = this.now();
    const detail = 'so much happened while the database was away that not all of it could be kept';
    return [{ who: { kind: 'host' }, what: 'notes-lost', from: 'here', at, outcome: 'done', times, detail }];
  }
}
