import type { CaptureName } from '@perch/protocol';
import type { Place } from './journal.ts';
import type { SpoolRecord, StoredSegment } from './record.ts';

/** A segment that waits in the spool or is on its way. Small: there may be 100,000; the rest is in the journal. */
export interface Row {
  readonly n: number;
  readonly capture: CaptureEntry;
  readonly segment: number;
  size: number;
  place: Place;
  /** Its file was seen at the start. */
  isFound: boolean;
}

/** A film of which something waits, or which is not over. */
export interface CaptureEntry {
  readonly name: CaptureName;
  isOpen: boolean;
  hasAlarm: boolean;
  /** Segments that have left. */
  gone: number;
  /** Segments that have not, on their way included. */
  pending: number;
  /** Those that wait, by their number. */
  readonly waiting: Row[];
}

/** An event that was not yet noted by the relay. */
export interface EventRow {
  readonly n: number;
  readonly id: string;
  place: Place;
}

/**
 * What the spool holds, in memory: which rows live, where each lies in the journal, and which is the most urgent. It is
 * made by the journal's records, the same way when they are read at the start as when they are written.
 */
export class Ledger {
  readonly rows = new Map<number, Row>();
  readonly events = new Map<string, EventRow>();
  readonly captures = new Map<string, CaptureEntry>();
  readonly #eventIds = new Map<number, string>();
  /** Films with an alarm, in the order in which they were seen. */
  readonly #alarms = new Set<CaptureEntry>();
  /** The run of the machine's kernel in which the spool was used last, as far as it is known. */
  boot: string | undefined;
  /** Bytes of all rows. */
  bytes = 0;
  #lastN = 0;

  /** A number for a new row. */
  nextN(): number {
    return ++this.#lastN;
  }

  /**
   * Takes a record that is on the disk.
   *
   * @returns bytes of the journal that it made useless.
   */
  apply(record: SpoolRecord, place: Place): number {
    switch (record.k) {
      case 'capture': {
        const entry = this.#capture(record.capture);
        entry.isOpen = record.open;
        entry.gone = Math.max(entry.gone, record.gone);
        if (record.alarm) this.#mark(entry);
        // A checkpoint writes it anew from what is known.
        return place.length;
      }
      case 'segment':
        this.see(record.n);
        return this.#addSegment(record.n, record.segment, place);
      case 'event': {
        this.see(record.n);
        this.events.set(record.id, { n: record.n, id: record.id, place });
        this.#eventIds.set(record.n, record.id);
        const { event } = record;
        if (event.capture === undefined) return 0;
        const entry = this.#capture(event.capture);
        if (event.kind === 'alarm') this.#mark(entry);
        if (event.kind === 'end') entry.isOpen = false;
        this.#forgetIfOver(entry);
        return 0;
      }
      case 'boot':
        this.boot = record.id;
        // A checkpoint writes it anew.
        return place.length;
      case 'taken':
        // Likewise.
        this.see(record.n);
        return place.length;
      case 'done':
        return place.length + this.#remove(record.n);
    }
  }

  /** The most urgent row that waits: of the newest alarm first, then the oldest. It waits no longer. */
  takeNext(): Row | undefined {
    const entry = this.#firstWaiting();
    return entry?.waiting.shift();
  }

  /** Whether something waits that is more urgent than `row`: of an alarm, where it is of none. */
  isSurpassed(row: Row): boolean {
    return !row.capture.hasAlarm && [...this.#alarms].some(({ waiting }) => waiting.length > 0);
  }

  /** A row that waits does so no longer. */
  takeOut(row: Row): void {
    const { waiting } = row.capture;
    const at = waiting.indexOf(row);
    if (at >= 0) waiting.splice(at, 1);
  }

  /** A row that was taken waits again. */
  putBack(row: Row): void {
    if (this.rows.get(row.n) !== row) return;
    const { waiting } = row.capture;
    const at = waiting.findLastIndex(({ segment }) => segment < row.segment);
    waiting.splice(at + 1, 0, row);
  }

  /** Whom to part with when there is no room: the oldest that waits and has no alarm, else the oldest with one. */
  oldestWaiting(): Row | undefined {
    let withAlarm: Row | undefined;
    for (const { waiting, hasAlarm } of this.captures.values()) {
      const [row] = waiting;
      if (row && !hasAlarm) return row;
      withAlarm ??= row;
    }
    return withAlarm;
  }

  /** All that a checkpoint must keep. */
  live(): { readonly records: SpoolRecord[]; readonly rows: (Row | EventRow)[] } {
    const records = [...this.captures.values()].map(
      ({ name: capture, isOpen: open, hasAlarm: alarm, gone }): SpoolRecord => ({
        k: 'capture',
        capture,
        open,
        alarm,
        gone,
      }),
    );
    if (this.boot !== undefined) records.push({ k: 'boot', id: this.boot });
    return { records, rows: [...this.rows.values(), ...this.events.values()] };
  }

  #addSegment(n: number, { capture, segment, size }: StoredSegment, place: Place): number {
    const known = this.rows.get(n);
    if (known) {
      // It was changed after it was taken, and is promised anew.
      const buried = known.place.length;
      this.bytes += size - known.size;
      known.size = size;
      known.place = place;
      return buried;
    }
    const entry = this.#capture(capture);
    const row: Row = { n, capture: entry, segment, size, place, isFound: false };
    this.rows.set(n, row);
    this.bytes += size;
    entry.pending++;
    this.putBack(row);
    return 0;
  }

  #remove(n: number): number {
    const id = this.#eventIds.get(n);
    if (id !== undefined) {
      const length = this.events.get(id)?.place.length ?? 0;
      this.#eventIds.delete(n);
      this.events.delete(id);
      return length;
    }
    const row = this.rows.get(n);
    if (!row) return 0;
    this.rows.delete(n);
    this.bytes -= row.size;
    const { capture } = row;
    this.takeOut(row);
    capture.pending--;
    capture.gone++;
    this.#forgetIfOver(capture);
    return row.place.length;
  }

  #capture(name: CaptureName): CaptureEntry {
    const known = this.captures.get(name.id);
    if (known) return known;
    const made = { name, isOpen: false, hasAlarm: false, gone: 0, pending: 0, waiting: [] };
    this.captures.set(name.id, made);
    return made;
  }

  #mark(entry: CaptureEntry): void {
    entry.hasAlarm = true;
    this.#alarms.add(entry);
  }

  #forgetIfOver(entry: CaptureEntry): void {
    if (entry.isOpen || entry.pending > 0) return;
    this.captures.delete(entry.name.id);
    this.#alarms.delete(entry);
  }

  /** The number is in use. */
  see(n: number): void {
    if (n > this.#lastN) this.#lastN = n;
  }

  *#entries(): Generator<CaptureEntry> {
    yield* [...this.#alarms].reverse();
    yield* this.captures.values();
  }

  #firstWaiting(): CaptureEntry | undefined {
    for (const entry of this.#entries()) if (entry.waiting.length > 0) return entry;
    return undefined;
  }
}
