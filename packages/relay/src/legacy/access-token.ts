import type { Access } from '@perch/protocol';
import { type Clock, type Millis, millis } from '@perch/runtime';
import { audiences, type Claims, verifyJwt } from './jwt.ts';

/** What switches practable relay's access API on (COMPAT 3.1). */
export interface PractableSettings {
  /** `RELAY_SECRET`: tokens are signed with it. */
  readonly secret: string;
  /** `RELAY_AUDIENCE`: what a token's `aud` must have. */
  readonly audience: string;
  /** `RELAY_URL`: where WebSockets reach this relay, such as `wss://app.example/relay`; no slash at its end. */
  readonly url: string;
  /** `RELAY_ALLOW_NO_BOOKING_ID`: takes tokens that name no booking, which then cannot be denied. */
  readonly allowNoBookingId?: boolean;
  /** `RELAY_STATS_EVERY`: how often the topic `stats` is told who is connected. Default 5 s, at least 1 s. */
  readonly statsEvery?: Millis;
}

/** What a token of practable relay says (COMPAT 3.2). Texts that are missing are empty. */
export interface AccessToken {
  readonly bookingId: string;
  readonly topic: string;
  /** The kind of connection, `session`. */
  readonly prefix: string;
  readonly scopes: readonly string[];
  readonly hasAudience: boolean;
  readonly expires: Millis;
  /** `iat` and `nbf` are there too; calls of an administrator may do without. */
  readonly hasAllTimes: boolean;
}

export type AccessVerdict =
  | { readonly kind: 'valid'; readonly token: AccessToken }
  /** `why` is a sentence for whoever holds the token. */
  | { readonly kind: 'invalid'; readonly why: string };

/** Judges a token as far as every call of the access API needs it: signature, times, audience. */
export function judgeAccessToken(settings: PractableSettings, clock: Clock, token: string): AccessVerdict {
  const verdict = verifyJwt({ token, secret: settings.secret, now: clock.wall() });
  if (verdict.kind === 'invalid') return { kind: 'invalid', why: `token invalid: it ${verdict.why}` };
  const { claims } = verdict;
  const given = audiences(claims);
  // A token without any audience is told so where its other claims are looked at.
  if (given.length > 0 && !given.includes(settings.audience)) {
    const said = given.join(' ').slice(0, 256);
    return { kind: 'invalid', why: `aud [${said}] does not match this host ${settings.audience}` };
  }
  return { kind: 'valid', token: decode(claims, given.length > 0) };
}

/** What the scopes allow on the topic (COMPAT 3.2). */
export const scopeAccess = (scopes: readonly string[]): Access => ({
  read: scopes.includes('read'),
  write: scopes.includes('write'),
});

function decode(claims: Claims, hasAudience: boolean): AccessToken {
  const text = (value: unknown): string => (typeof value === 'string' ? value : '');
  const { scopes } = claims;
  return {
    bookingId: text(claims.booking_id),
    topic: text(claims.topic),
    prefix: text(claims.prefix),
    scopes: Array.isArray(scopes) ? scopes.filter((scope) => typeof scope === 'string') : [],
    hasAudience,
    // In whole seconds, as it was always obeyed.
    expires: millis(Math.floor(claims.expires / 1000) * 1000),
    hasAllTimes: claims.iat !== undefined && claims.nbf !== undefined,
  };
}
