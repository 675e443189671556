import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { bearerToken } from '@perch/protocol';
import type { AppSessions } from '../auth/app-sessions.ts';
import { type Revocations, restingOn } from '../auth/revocations.ts';
import type { Tokens } from '../auth/tokens.ts';
import type { DeviceIdentity, Invitation, Known } from './caller.ts';
import type { Users } from './users.ts';

/** The cookie that the app gets when it signs in. */
export const SESSION_COOKIE = 'perch_session';

/** A request: Node's own, or the server's around it. */
export type Visitor =
  | IncomingMessage
  | { readonly headers: IncomingHttpHeaders; readonly raw: IncomingMessage };

export interface CallersOptions {
  readonly tokens: Tokens;
  readonly sessions: AppSessions;
  readonly users: Users;
  readonly revocations: Revocations;
  /** Finds an invite that still holds. */
  readonly findInvite?: ((id: string) => Promise<Invitation | undefined>) | undefined;
  /** Finds out which device shows its identity. */
  readonly identify?: ((request: IncomingMessage) => Promise<DeviceIdentity | undefined>) | undefined;
  /** Why the identity that a request shows is not good, when it has been looked at. */
  readonly whyNoDevice?: ((request: IncomingMessage) => string | undefined) | undefined;
}

/** Finds out who asks: by the cookie of a session, by a token, by a device's certificate. */
export class Callers {
  readonly #options: CallersOptions;

  constructor(options: CallersOptions) {
    this.#options = options;
  }

  /** Whose the session is that the visitor's cookie names. */
  async ofSession(visitor: Visitor): Promise<(Known & { kind: 'user' | 'invite' }) | undefined> {
    const { sessions, users, findInvite, revocations } = this.#options;
    const cookie = readCookie(visitor.headers.cookie, SESSION_COOKIE);
    if (cookie === undefined) return undefined;
    const seq = revocations.seen;
    const session = await sessions.find(cookie);
    if (!session) return undefined;
    const { id, expires } = session;
    const rests = [restingOn({ kind: 'session', id }), restingOn(session.of)];
    if (session.of.kind === 'user') {
      const user = await users.find(session.of.id);
      if (!user) return undefined;
      const who = { kind: 'user', id: user.id, name: user.name } as const;
      const by = { ...who, expires, rests, seq };
      return { kind: 'user', household: user.household, who, by, user, session };
    }
    const invite = await findInvite?.(session.of.id);
    if (!invite) return undefined;
    const who = { kind: 'invite', id: invite.id, name: invite.for } as const;
    const end = Math.min(expires, invite.expires);
    const by = { ...who, expires: end, rests: [...rests, ...(invite.rests ?? [])], seq };
    return { kind: 'invite', household: invite.household, who, by, invite, session };
  }

  /** Whose the token is that the visitor shows. */
  async ofToken(visitor: Visitor): Promise<(Known & { kind: 'token' }) | undefined> {
    const secret = authorization(visitor.headers);
    if (secret === undefined) return undefined;
    const seq = this.#options.revocations.seen;
    const token = await this.#options.tokens.find(secret);
    if (!token) return undefined;
    const who = { kind: 'token', id: token.id } as const;
    const by = { ...who, expires: token.expires, rests: [restingOn(who)], seq };
    return { kind: 'token', household: token.household, who, by, token };
  }

  /** Which device asks. */
  async ofDevice(visitor: Visitor): Promise<(Known & { kind: 'device' }) | undefined> {
    const seq = this.#options.revocations.seen;
    const identity = await this.#options.identify?.(requestOf(visitor));
    if (!identity) return undefined;
    const { device, household, certificateId, expires } = identity;
    const who = { kind: 'device', id: device } as const;
    const by = { ...who, ...(expires !== undefined && { expires }), rests: [restingOn(who)], seq };
    return { kind: 'device', household, who, by, device, certificateId };
  }

  /** Why the identity that the visitor shows is not good, in words; `undefined` where he shows none. */
  whyNoDevice(visitor: Visitor): string | undefined {
    return this.#options.whyNoDevice?.(requestOf(visitor));
  }
}

const requestOf = (visitor: Visitor): IncomingMessage => ('raw' in visitor ? visitor.raw : visitor);

/** The secret in `Authorization`, raw (COMPAT 3.2) or after `Bearer`; else the one among the subprotocols. */
export function authorization(headers: IncomingHttpHeaders): string | undefined {
  const value = headers.authorization?.trim();
  if (!value) return bearerToken(headers['sec-websocket-protocol']);
  return /^bearer\s+/i.test(value) ? value.replace(/^bearer\s+/i, '') : value;
}

/** The value of a cookie that the browser sent. */
export function readCookie(header: string | undefined, name: string): string | undefined {
  for (const pair of header?.split(';') ?? []) {
    const [key, value] = pair.trim().split('=', 2);
    if (key === name) return value;
  }
  return undefined;
}
