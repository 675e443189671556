import { randomUUID } from 'node:crypto';
import type { Access } from '@perch/protocol';
import type { Clock, Millis } from '@perch/runtime';

/** What a one-time code stands for. */
export interface Grant {
  readonly topic: string;
  readonly access: Access;
  readonly by: Authority;
}

/** Whose right it is. What it rests on is looked at again as long as a connection that uses it is open. */
export type Authority =
  | { readonly kind: 'open' }
  | { readonly kind: 'token'; readonly id: string }
  | { readonly kind: 'session'; readonly id: string }
  /** crossbar's token as first message: `legacy/token-first.ts` watches over it. */
  | { readonly kind: 'crossbar' };

/** One-time codes of `POST /session/<topic>` (COMPAT 3.4): UUID v4, used once, for a short time, in memory. */
export class Codes {
  readonly #clock: Clock;
  readonly #life: Millis;
  readonly #most: number;
  /** In the order in which they were made, which is the order in which they expire. */
  readonly #pending = new Map<string, { readonly grant: Grant; readonly expires: number }>();

  constructor(options: { clock: Clock; life: Millis; most: number }) {
    this.#clock = options.clock;
    this.#life = options.life;
    this.#most = options.most;
  }

  /** A new code, or `undefined` while too many are pending. */
  issue(grant: Grant): string | undefined {
    this.#forgetExpired();
    if (this.#pending.size >= this.#most) return undefined;
    const code = randomUUID();
    this.#pending.set(code, { grant, expires: this.#clock.now() + this.#life });
    return code;
  }

  /** Spends a code. One for another topic is spent too: somebody is trying. */
  redeem(code: string, topic: string): Grant | undefined {
    this.#forgetExpired();
    const entry = this.#pending.get(code);
    this.#pending.delete(code);
    return entry?.grant.topic === topic ? entry.grant : undefined;
  }

  get pending(): number {
    return this.#pending.size;
  }

  #forgetExpired(): void {
    const now = this.#clock.now();
    for (const [code, { expires }] of this.#pending) {
      if (expires > now) return;
      this.#pending.delete(code);
    }
  }
}
