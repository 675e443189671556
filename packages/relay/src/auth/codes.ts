import { randomUUID } from 'node:crypto';
import type { Access } from '@perch/protocol';
import type { Clock, Millis } from '@perch/runtime';

/** What a one-time code stands for. */
export interface Grant {
  readonly topic: string;
  readonly access: Access;
  readonly by: Authority;
  /** Whose topic it is: a household's, and perhaps one of its devices'. */
  readonly place: TopicPlace;
}

/** To whom a topic belongs. */
export interface TopicPlace {
  readonly household: string;
  readonly device?: string;
}

/** Whose right it is. What it rests on is looked at again as long as a connection that uses it is open. */
export type Authority =
  | { readonly kind: 'open' }
  /** Something that can be taken away. */
  | {
      readonly kind: 'token' | 'user' | 'invite' | 'device';
      readonly id: string;
      /** Of a person, as it was when the right was looked up. */
      readonly name?: string;
      /** Milliseconds since 1970. */
      readonly expires?: number;
      /** All of these must last: `restingOn` of what can be revoked. */
      readonly rests: readonly string[];
      /** `Revocations.seen` when the right was looked up: what is revoked later ends it. */
      readonly seq: number;
    }
  /** crossbar's token as first message: `legacy/token-first.ts` watches over it. */
  | { readonly kind: 'crossbar' }
  /** practable relay's token: `legacy/bookings.ts` knows which still hold. Both times in milliseconds since 1970. */
  | {
      readonly kind: 'booking';
      readonly id: string;
      readonly scopes: readonly string[];
      readonly since: number;
      readonly expires: number;
    };

/** One-time codes of `POST /session/<topic>` (COMPAT 3.4): UUID v4, used once, for a short time. */
export interface Codes {
  /** A new code, or `undefined` while too many are pending. */
  issue(grant: Grant): Promise<string | undefined>;
  /** Spends a code. One for another topic is spent too: somebody is trying. */
  redeem(code: string, topic: string): Promise<Grant | undefined>;
}

export interface CodeLimits {
  readonly life: Millis;
  /** So many may be pending. */
  readonly most: number;
}

/** Codes of a relay that is alone: in memory, since none outlives it by more than seconds. */
export class MemoryCodes implements Codes {
  readonly #clock: Clock;
  readonly #limits: CodeLimits;
  /** In the order in which they were made, which is the order in which they expire. */
  readonly #pending = new Map<string, { readonly grant: Grant; readonly expires: number }>();

  constructor(options: { clock: Clock; limits: CodeLimits }) {
    this.#clock = options.clock;
    this.#limits = options.limits;
  }

  async issue(grant: Grant): Promise<string | undefined> {
    this.#forgetExpired();
    if (this.#pending.size >= this.#limits.most) return undefined;
    const code = randomUUID();
    this.#pending.set(code, { grant, expires: this.#clock.now() + this.#limits.life });
    return code;
  }

  async redeem(code: string, topic: string): Promise<Grant | undefined> {
    this.#forgetExpired();
    const entry = this.#pending.get(code);
    this.#pending.delete(code);
    return entry?.grant.topic === topic ? entry.grant : undefined;
  }

  #forgetExpired(): void {
    const now = this.#clock.now();
    for (const [code, { expires }] of this.#pending) {
      if (expires > now) return;
      this.#pending.delete(code);
    }
  }
}
