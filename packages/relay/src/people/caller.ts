import type { Who } from '../audit/entry.ts';
import type { AppSession } from '../auth/app-sessions.ts';
import type { Authority } from '../auth/codes.ts';
import type { TokenRecord } from '../auth/tokens.ts';
import type { Permission } from './permissions.ts';
import type { User } from './user.ts';

/** Who asks something of the relay, as it was found out. */
export type Caller = Nobody | Known;

/** Nobody in particular, or somebody about whom nobody wanted to know. */
export interface Nobody {
  readonly kind: 'nobody';
}

export type Known =
  | (Standing & { readonly kind: 'user'; readonly user: User; readonly session: AppSession })
  | (Standing & { readonly kind: 'invite'; readonly invite: Invitation; readonly session: AppSession })
  | (Standing & { readonly kind: 'token'; readonly token: TokenRecord })
  | (Standing & { readonly kind: 'device'; readonly device: string; readonly certificateId: string });

/** What all who are known have. */
export interface Standing {
  readonly household: string;
  /** For the audit. */
  readonly who: Who;
  /**
   * On what the answer rests: what stays open after it (a stream of events) ends with it, `Gate.whileHolds`. Where the row
   * of the route asks for a permission, that is in it.
   */
  readonly by: LastingAuthority;
}

/** An authority that can be taken away. */
export type LastingAuthority = Authority & { readonly rests: readonly string[] };

/** What somebody who is no user was invited to. */
export interface Invitation {
  readonly id: string;
  readonly household: string;
  /** The name of who was invited. */
  readonly for: string;
  readonly topic?: string;
  readonly device?: string;
  /** This film alone. */
  readonly capture?: string;
  readonly permissions: readonly Permission[];
  /** Milliseconds since 1970. */
  readonly expires: number;
  /** What else must last: `restingOn` of the user who made it, for one. */
  readonly rests?: readonly string[];
}

/** An enrolled device that has shown who it is. */
export interface DeviceIdentity {
  readonly device: string;
  readonly household: string;
  readonly certificateId: string;
  /** When its certificate ends, in milliseconds since 1970. Default: whenever. */
  readonly expires?: number;
}

export const NOBODY: Nobody = { kind: 'nobody' };

/** Who asks, on a route whose row lets in only who is known. @throws {TypeError} where it is another. */
export function known(caller: Caller): Known {
  if (caller.kind !== 'nobody') return caller;
  throw new TypeError('config.permit: this route needs a row that finds out who asks');
}

/** The same, on a route for users only. @throws {TypeError} where its row lets in others. */
export function userOf(caller: Caller): Known & { kind: 'user' } {
  if (caller.kind === 'user') return caller;
  throw new TypeError('config.permit: this route needs a row that lets in users only');
}
