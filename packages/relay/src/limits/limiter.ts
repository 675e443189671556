import { type Clock, type Millis, millis } from '@perch/runtime';
import type { Refusals } from '../audit/refusals.ts';
import { isLoopback } from '../auth/plain-http.ts';
import { addressKey } from './address-key.ts';
import type { Limits } from './limits.ts';
import { type BucketSize, TokenBuckets } from './token-buckets.ts';

/** What people do rarely, and those who guess or flood do often. */
export type Entrance = 'sign-in' | 'code' | 'enrolment' | 'invite' | 'connection' | 'stranger';

const names: Readonly<Record<Entrance, string>> = {
  'sign-in': 'attempts to sign in',
  code: 'one-time codes',
  enrolment: 'attempts to enrol a device',
  invite: 'attempts to open an invite',
  connection: 'new connections',
  stranger: 'clients that are about to show a token',
};

/** How often each entrance may be used by one address, and a password tried for one account. Memory is bounded. */
export class Limiter {
  readonly #byAddress: Readonly<Record<Entrance, TokenBuckets>>;
  readonly #byAccount: TokenBuckets;
  readonly #refusals: Refusals;

  constructor(options: { readonly limits: Limits; readonly refusals: Refusals; readonly clock: Clock }) {
    const { limits, refusals, clock } = options;
    const buckets = (burst: number, periodMs: number): TokenBuckets => {
      const size: BucketSize = { burst, period: millis(periodMs) };
      return new TokenBuckets({ ...size, clock });
    };
    this.#byAddress = {
      'sign-in': buckets(limits.signInBurst, limits.signInPeriod),
      code: buckets(limits.codeBurst, limits.codePeriod),
      enrolment: buckets(limits.enrolmentBurst, limits.enrolmentPeriod),
      invite: buckets(limits.inviteBurst, limits.invitePeriod),
      connection: buckets(limits.connectBurst, limits.connectPeriod),
      stranger: buckets(limits.strangerBurst, limits.strangerPeriod),
    };
    this.#byAccount = buckets(limits.accountSignInBurst, limits.accountSignInPeriod);
    this.#refusals = refusals;
  }

  /**
   * Lets somebody try once.
   *
   * @param address of the caller (`callerAddress`).
   * @returns 0, or how long he has to wait: then the attempt does not count, and is in the audit.
   */
  take(entrance: Entrance, address: string): Millis {
    // Programs on this machine need no network to take it down, and its own agents and tests connect often.
    if (entrance === 'connection' && isLoopback(address)) return millis(0);
    const wait = this.#byAddress[entrance].take(addressKey(address));
    if (wait > 0) this.#note(address, `too many ${names[entrance]} from this address`);
    return wait;
  }

  /**
   * Lets somebody try one password of an account, whoever he is: many addresses together guess no faster.
   *
   * @param account the account as it is looked up, also where there is none of that name.
   * @returns 0, or how long to wait.
   */
  takeAccount(account: string, address: string): Millis {
    const wait = this.#byAccount.take(account);
    if (wait > 0) this.#note(address, 'too many passwords for one account');
    return wait;
  }

  #note(from: string, detail: string): void {
    this.#refusals.note({ what: 'limit', from, detail });
  }
}

/** `Retry-After`, in whole seconds. */
export const retryAfter = (wait: Millis): string => String(Math.max(1, Math.ceil(wait / 1_000)));
