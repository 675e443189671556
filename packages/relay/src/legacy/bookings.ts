import type { Clock, Millis } from '@perch/runtime';
import type { Authority } from '../auth/codes.ts';

/** What somebody has by a booking. */
export type BookingAuthority = Authority & { readonly kind: 'booking' };

/** So many are remembered of each list. */
const MOST = 100_000;
/** Longest name of a booking. */
export const BOOKING_ID_CHARS = 256;

/**
 * The bookings that were used and those that were cancelled (COMPAT 3.3), each until it would have ended anyway. Being
 * on the list of the allowed gives no right; it is there to be looked at.
 */
export class Bookings {
  readonly #clock: Clock;
  readonly #allowed = new Map<string, Millis>();
  readonly #denied = new Map<string, Millis>();
  /** When each was denied last. Rights from before stay dead, also when it is allowed again. */
  readonly #endedAt = new Map<string, { readonly at: Millis; readonly until: Millis }>();

  constructor(options: { clock: Clock }) {
    this.#clock = options.clock;
  }

  /** @returns false where there is no room: then nothing has changed. */
  deny(id: string, until: Millis): boolean {
    if (!makeRoom(this.#denied, this.#clock.wall())) return false;
    this.#allowed.delete(id);
    this.#denied.set(id, until);
    for (const [other, { until: end }] of this.#endedAt) {
      if (end <= this.#clock.wall()) this.#endedAt.delete(other);
    }
    this.#endedAt.set(id, { at: this.#clock.wall(), until });
    return true;
  }

  allow(id: string, until: Millis): boolean {
    if (!makeRoom(this.#allowed, this.#clock.wall())) return false;
    this.#denied.delete(id);
    this.#allowed.set(id, until);
    return true;
  }

  isDenied(id: string): boolean {
    return (this.#denied.get(id) ?? 0) > this.#clock.wall();
  }

  /** Whether what rests on a booking still holds. */
  holds({ id, since, expires }: BookingAuthority): boolean {
    if (expires <= this.#clock.wall() || this.isDenied(id)) return false;
    const ended = this.#endedAt.get(id);
    return ended === undefined || since > ended.at;
  }

  get denied(): readonly string[] {
    return current(this.#denied, this.#clock.wall());
  }

  get allowed(): readonly string[] {
    return current(this.#allowed, this.#clock.wall());
  }
}

function makeRoom(list: Map<string, Millis>, now: Millis): boolean {
  if (list.size < MOST) return true;
  for (const [id, until] of list) if (until <= now) list.delete(id);
  return list.size < MOST;
}

const current = (list: ReadonlyMap<string, Millis>, now: Millis): readonly string[] =>
  [...list].filter(([, until]) => until > now).map(([id]) => id);
