import { type Clock, millis, type Timer } from '@perch/runtime';
import type { Audit } from './audit.ts';
import type { Act, Who } from './entry.ts';

/** After a refusal, more of its kind from the same address are only counted for this long. */
const PERIOD = millis(60_000);
/** So many addresses are told apart at once; those of further ones are counted together. */
const MOST_ADDRESSES = 100;
const MANY = 'many addresses';

export interface Refused {
  /** Default: nobody knows. */
  readonly who?: Who;
  readonly what: Act;
  readonly topic?: string;
  readonly household?: string;
  readonly from: string;
  /** Why, in words. */
  readonly detail: string;
}

interface Tally {
  readonly refused: Refused;
  readonly since: number;
  until: number;
  times: number;
}

/** Refused attempts for the audit. The first is a line of its own; who keeps trying cannot fill the disk. */
export class Refusals {
  readonly #audit: Audit;
  readonly #clock: Clock;
  readonly #tallies = new Map<string, Tally>();
  #timer: Timer | undefined;

  constructor(options: { audit: Audit; clock: Clock }) {
    this.#audit = options.audit;
    this.#clock = options.clock;
  }

  note(refused: Refused): void {
    const now = this.#audit.now();
    const key = `${refused.what} ${refused.from} ${refused.household ?? ''} ${refused.who?.id ?? ''}`;
    const isMany = !this.#tallies.has(key) && this.#tallies.size >= MOST_ADDRESSES;
    const tally = this.#tallies.get(isMany ? MANY : key);
    if (tally) {
      tally.times++;
      tally.until = now;
      return;
    }
    const { household: _ofTheFirst, who: _theFirst, ...ofNobody } = refused;
    const shown = isMany ? { ...ofNobody, from: MANY } : refused;
    this.#audit.note({ who: { kind: 'unknown' }, ...shown, at: now, outcome: 'refused' });
    this.#tallies.set(isMany ? MANY : key, { refused: shown, since: now, until: now, times: 0 });
    this.#timer ??= this.#clock.after(PERIOD, () => this.close());
  }

  /** Notes what was only counted, and begins anew. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    for (const { refused, since, until, times } of this.#tallies.values()) {
      if (times === 0) continue;
      const { topic: _ofTheFirst, ...rest } = refused;
      this.#audit.note({ who: { kind: 'unknown' }, ...rest, at: since, until, outcome: 'refused', times });
    }
    this.#tallies.clear();
  }
}
