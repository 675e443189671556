import { type Ticks27M, ticks27M } from '../time.ts';

const MS = 27_000;
/** ISO/IEC 13818-1 2.7.2 asks for a reference every 100 ms, DVB (ETSI TS 101 154 4.1.5.3) for one every 40 ms. */
const CLOCK_TICKS = 40 * MS;
/** Tables go out with what comes so long after the last or later; something comes every 40 ms, so 100 ms are kept. */
const TABLE_TICKS = 50 * MS;
/** A clock that moves on by more does not run but jumps: what would be written between is bounded. */
const MOST_TICKS = 10_000 * MS;

/** The clock of an output, and what of tables and references is due by it. In ticks of 27 MHz. */
export class Pace {
  #now: number | undefined;
  #toldAt = Number.NEGATIVE_INFINITY;
  #tablesAt = Number.NEGATIVE_INFINITY;
  /** What the next reference tells does not go on from the last. */
  #jumps = false;
  #renewed = true;

  /** Before the first move: long ago. */
  get now(): number {
    return this.#now ?? Number.NEGATIVE_INFINITY;
  }

  /** No reference was told since the clock began, jumped or moved to another PID. */
  get begins(): boolean {
    return this.#renewed;
  }

  /** A reference would say something new. */
  get hasMoved(): boolean {
    return this.#renewed || this.now > this.#toldAt;
  }

  /** Whether tables are to go with what comes. */
  get tablesDue(): boolean {
    return this.now - this.#tablesAt >= TABLE_TICKS;
  }

  /** The clock moves to `to`, never back. Calls `onDue` where it has to be told on the way. */
  moveTo(to: number, onDue: () => void): void {
    if (this.#now !== undefined && to - this.#now > MOST_TICKS) this.interrupt();
    if (this.#now === undefined) this.#now = to;
    while (Number.isFinite(this.#toldAt) && this.#toldAt + CLOCK_TICKS < to) {
      this.#now = this.#toldAt + CLOCK_TICKS;
      onDue();
    }
    this.#now = Math.max(this.#now, to);
  }

  /** A reference goes out. It always rises. */
  tell(): { readonly pcr: Ticks27M; readonly discontinuity: boolean } {
    this.#toldAt = Math.max(this.now, this.#toldAt + 1);
    const discontinuity = this.#jumps;
    this.#jumps = false;
    this.#renewed = false;
    return { pcr: ticks27M(Math.round(this.#toldAt)), discontinuity };
  }

  /** Tables went out. */
  tablesWritten(): void {
    this.#tablesAt = this.now;
  }

  /** Tables are due at once. */
  renewTables(): void {
    this.#tablesAt = Number.NEGATIVE_INFINITY;
  }

  /** A reference is due at once. */
  renewClock(): void {
    this.#renewed = true;
  }

  /** The clock goes on from anywhere. */
  interrupt(): void {
    if (this.#now !== undefined) this.#jumps = true;
    this.#now = undefined;
    this.#toldAt = Number.NEGATIVE_INFINITY;
    this.renewTables();
    this.renewClock();
  }
}
