import { type Clock, type Millis, millis, type Timer } from '@perch/runtime';

interface Entry {
  at: number;
  readonly order: number;
  readonly period: number | undefined;
  readonly fire: () => void;
}

/** A clock that stands still until a test moves it. */
export class FakeClock implements Clock {
  #now = 0;
  #order = 0;
  readonly #wallAtZero: number;
  readonly #entries = new Set<Entry>();

  constructor(options: { wallMs?: number } = {}) {
    this.#wallAtZero = options.wallMs ?? Date.UTC(2026, 0, 1);
  }

  now(): Millis {
    return millis(this.#now);
  }

  wall(): Millis {
    return millis(this.#wallAtZero + this.#now);
  }

  after(delay: Millis, fire: () => void): Timer {
    return this.#add({ at: this.#now + delay, order: this.#order++, period: undefined, fire });
  }

  every(period: Millis, fire: () => void): Timer {
    return this.#add({ at: this.#now + period, order: this.#order++, period, fire });
  }

  /** How many timers wait. */
  get pending(): number {
    return this.#entries.size;
  }

  /** When the next timer fires, on this clock, if one waits. */
  get nextAt(): Millis | undefined {
    return this.#entries.size === 0 ? undefined : millis(Math.min(...[...this.#entries].map((e) => e.at)));
  }

  /** Moves time on by `ms`, firing what falls due in order. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      let due: Entry | undefined;
      for (const entry of this.#entries) {
        if (entry.at > end) continue;
        if (!due || entry.at < due.at || (entry.at === due.at && entry.order < due.order)) due = entry;
      }
      if (!due) break;
      this.#now = due.at;
      if (due.period === undefined) this.#entries.delete(due);
      else due.at += due.period;
      due.fire();
    }
    this.#now = end;
  }

  #add(entry: Entry): Timer {
    this.#entries.add(entry);
    const cancel = () => void this.#entries.delete(entry);
    return { cancel, [Symbol.dispose]: cancel };
  }
}
