import type { IncomingHttpHeaders } from 'node:http';
import { type Access, bearerToken, matchesTopic, type TopicPath } from '@perch/protocol';
import type { Clock } from '@perch/runtime';
import type { Bookings } from '../legacy/bookings.ts';
import type { AppSession, AppSessions } from './app-sessions.ts';
import type { Authority, Codes, Grant } from './codes.ts';
import type { Revocations } from './revocations.ts';
import { type TokenRecord, type Tokens, tokenAccess } from './tokens.ts';

/** The cookie that the app gets when it signs in. */
export const SESSION_COOKIE = 'perch_session';

/** What the gate looks at of a request. */
export interface Visitor {
  readonly headers: IncomingHttpHeaders;
}

/**
 * Who may do what. A right comes from `--open`, from a token, from a one-time code, or from the app's cookie. The
 * first three are brought by whoever asks; a cookie is sent by a browser on its own, so it counts only with the same
 * `Origin` wherever something is opened or changed.
 */
export class Gate {
  readonly #open: readonly string[];
  readonly #tokens: Tokens;
  readonly #codes: Codes;
  readonly #sessions: AppSessions;
  readonly #revocations: Revocations;
  readonly #bookings: Bookings | undefined;
  readonly #clock: Clock;

  constructor(options: {
    open: readonly string[];
    tokens: Tokens;
    codes: Codes;
    sessions: AppSessions;
    revocations: Revocations;
    bookings?: Bookings | undefined;
    clock: Clock;
  }) {
    this.#open = options.open;
    this.#tokens = options.tokens;
    this.#codes = options.codes;
    this.#sessions = options.sessions;
    this.#revocations = options.revocations;
    this.#bookings = options.bookings;
    this.#clock = options.clock;
  }

  /** Whether anyone may read and write the topic. */
  isOpen(topic: string): boolean {
    return this.#open.some((glob) => matchesTopic(glob, topic));
  }

  /** Whether any topic is open. */
  get opensAny(): boolean {
    return this.#open.length > 0;
  }

  /** What a visitor without code may do on a topic; `undefined` if nothing. */
  async grant(visitor: Visitor, topic: string): Promise<Grant | undefined> {
    if (this.isOpen(topic)) return { topic, access: { read: true, write: true }, by: { kind: 'open' } };
    const secret = authorization(visitor.headers);
    if (secret !== undefined) {
      const token = await this.#tokens.find(secret);
      const access = token && tokenAccess(token, topic);
      if (!token || !access || !(access.read || access.write)) return undefined;
      return { topic, access, by: { kind: 'token', id: token.id, expires: token.expires } };
    }
    if (!isSameOrigin(visitor.headers)) return undefined;
    const session = await this.session(visitor);
    if (!session) return undefined;
    const by = { kind: 'session', id: session.id, expires: session.expires } as const;
    return { topic, access: { read: true, write: false }, by };
  }

  /** What a WebSocket on this path may do; `undefined` to refuse it. */
  async admit(visitor: Visitor, path: TopicPath, code: string | null): Promise<Grant | undefined> {
    if (path.kind === 'session') {
      const grant = code === null ? undefined : await this.#codes.redeem(code, path.topic);
      // A booking's token may have a scope that is for no topic.
      const mayAny = grant !== undefined && (grant.access.read || grant.access.write);
      return mayAny && this.holds(grant.by) ? grant : undefined;
    }
    const grant = await this.grant(visitor, path.topic);
    if (!grant) return undefined;
    const access = narrow(grant.access, path.kind);
    return access && { ...grant, access };
  }

  /** A one-time code for what the visitor may do on the topic. */
  async issueCode(visitor: Visitor, topic: string): Promise<'refused' | 'busy' | { readonly code: string }> {
    const grant = await this.grant(visitor, topic);
    if (!grant) return 'refused';
    const code = await this.#codes.issue(grant);
    return code === undefined ? 'busy' : { code };
  }

  /** Which topics a visitor may see in a list; `undefined` if he may see no list. Same origin is not needed to look. */
  async visibleTopics(visitor: Visitor): Promise<((topic: string) => boolean) | undefined> {
    if (authorization(visitor.headers) !== undefined) {
      const token = await this.token(visitor);
      return token && ((topic) => this.isOpen(topic) || tokenAccess(token, topic).read);
    }
    if (await this.session(visitor)) return () => true;
    return this.opensAny ? (topic) => this.isOpen(topic) : undefined;
  }

  /** Whether a visitor may look at the statistics of all clients: the right to read topic `stats`, or a sign-in. */
  async maySeeStats(visitor: Visitor): Promise<boolean> {
    if ((await this.grant(visitor, 'stats'))?.access.read) return true;
    return (await this.session(visitor)) !== undefined;
  }

  /** Whether a visitor may read who did what: a token with scope `audit`, or a sign-in. */
  async maySeeAudit(visitor: Visitor): Promise<boolean> {
    if (authorization(visitor.headers) !== undefined) {
      return (await this.token(visitor))?.scope.includes('audit') === true;
    }
    return (await this.session(visitor)) !== undefined;
  }

  /** The valid token that the visitor shows. */
  async token(visitor: Visitor): Promise<TokenRecord | undefined> {
    const secret = authorization(visitor.headers);
    return secret === undefined ? undefined : this.#tokens.find(secret);
  }

  /** The session that the visitor's cookie names. */
  async session(visitor: Visitor): Promise<AppSession | undefined> {
    const cookie = readCookie(visitor.headers.cookie, SESSION_COOKIE);
    return cookie === undefined ? undefined : this.#sessions.find(cookie);
  }

  /** Whether what a grant rests on still holds: not revoked, not expired. */
  holds(authority: Authority): boolean {
    switch (authority.kind) {
      case 'open':
      case 'crossbar':
        return true;
      case 'token':
      case 'session':
        return authority.expires > this.#clock.wall() && !this.#revocations.has(authority);
      case 'booking':
        return this.#bookings?.holds(authority) ?? false;
    }
  }
}

/** What the path leaves of a right; `undefined` if nothing that the path is for. */
function narrow(access: Access, kind: 'in' | 'out' | 'bi'): Access | undefined {
  switch (kind) {
    case 'in':
      return access.write ? access : undefined;
    case 'out':
      return access.read ? { read: true, write: false } : undefined;
    case 'bi':
      return access;
  }
}

/** The secret in `Authorization`, raw (COMPAT 3.2) or after `Bearer`; else the one among the subprotocols. */
export function authorization(headers: IncomingHttpHeaders): string | undefined {
  const value = headers.authorization?.trim();
  if (!value) return bearerToken(headers['sec-websocket-protocol']);
  return /^bearer\s+/i.test(value) ? value.replace(/^bearer\s+/i, '') : value;
}

/** Whether the page that asks was served under the very name that it asks. */
export function isSameOrigin(headers: IncomingHttpHeaders): boolean {
  if (headers.origin === undefined || headers.host === undefined) return false;
  const origin = URL.parse(headers.origin);
  // Parsed by the origin's own scheme, so that a default port counts as none on both sides.
  return origin !== null && origin.host === URL.parse(`${origin.protocol}//${headers.host}`)?.host;
}

function readCookie(header: string | undefined, name: string): string | undefined {
  for (const pair of header?.split(';') ?? []) {
    const [key, value] = pair.trim().split('=', 2);
    if (key === name) return value;
  }
  return undefined;
}
