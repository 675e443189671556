import type { Millis } from '@perch/runtime';

/** Turns counters that only grow into rates per second. */
export class Meter {
  #at: Millis | undefined;
  #values = new Map<string, number>();

  /** The growth per second of each counter since this was asked last. */
  rates<K extends string>(now: Millis, counters: Readonly<Record<K, number>>): Record<K, number> {
    const seconds = this.#at === undefined ? 0 : (now - this.#at) / 1000;
    const rates = {} as Record<K, number>;
    for (const [name, value] of Object.entries(counters) as [K, number][]) {
      rates[name] = seconds > 0 ? (value - (this.#values.get(name) ?? 0)) / seconds : 0;
      this.#values.set(name, value);
    }
    this.#at = now;
    return rates;
  }
}
