import { parseTopicPath } from '@perch/protocol';
import type { Clock } from '@perch/runtime';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Audit } from '../audit/audit.ts';
import type { Refusals } from '../audit/refusals.ts';
import { callerAddress } from '../auth/caller.ts';
import type { Codes } from '../auth/codes.ts';
import { authorization, type Gate } from '../auth/gate.ts';
import { FIRST_HOUSEHOLD } from '../people/household.ts';
import { complains, frameError, says } from './access-answers.ts';
import { type AccessToken, judgeAccessToken, type PractableSettings, scopeAccess } from './access-token.ts';
import { BOOKING_ID_CHARS, type Bookings } from './bookings.ts';
import { looksLikeJwt } from './jwt.ts';
import type { Report } from './reports.ts';
import type { StatsTopic } from './stats-topic.ts';

export interface AccessDeskOptions {
  readonly settings: PractableSettings;
  readonly bookings: Bookings;
  readonly gate: Gate;
  readonly codes: Codes;
  readonly stats: StatsTopic;
  readonly audit: Audit;
  readonly refusals: Refusals;
  readonly clock: Clock;
}

/** Who may do what by practable relay's tokens: it checks them, gives codes for them, and cancels bookings. */
export class AccessDesk {
  readonly #options: AccessDeskOptions;

  constructor(options: AccessDeskOptions) {
    this.#options = options;
  }

  get clock(): Clock {
    return this.#options.clock;
  }

  get bookings(): Bookings {
    return this.#options.bookings;
  }

  reports(): Report[] {
    return this.#options.stats.reports();
  }

  /** The token that a call brings; without a good one the answer is given here. */
  authorise(request: FastifyRequest, reply: FastifyReply): AccessToken | undefined {
    const text = authorization(request.headers);
    if (text === undefined) {
      frameError(reply, 401, 'unauthenticated for invalid credentials');
      return undefined;
    }
    const verdict = judgeAccessToken(this.#options.settings, this.clock, text);
    if (verdict.kind === 'valid') return verdict.token;
    frameError(reply, 401, verdict.why);
    return undefined;
  }

  isAdmin(token: AccessToken): boolean {
    return token.hasAudience && token.scopes.includes('relay:admin');
  }

  /** @param exp seconds since 1970. @returns false where the list is full. */
  async deny(request: FastifyRequest, id: string, exp: number): Promise<boolean> {
    if (!(await this.bookings.deny(id, exp * 1000))) return false;
    this.#note(request, 'booking-cancel', id);
    return true;
  }

  async allow(request: FastifyRequest, id: string, exp: number): Promise<void> {
    await this.bookings.allow(id, exp * 1000);
    this.#note(request, 'booking-restore', id);
  }

  #note(request: FastifyRequest, what: 'booking-cancel' | 'booking-restore', id: string): void {
    const from = callerAddress(request.raw);
    this.#options.audit.done({ who: { kind: 'booking' }, what, from, detail: `booking ${id}` });
  }

  /**
   * Answers `POST /session/<topic>` where it is for a token of this family; otherwise it leaves it to ours. A JWT is
   * always theirs, and so is what brings no right that we know.
   */
  readonly sessionHook = async (request: FastifyRequest, reply: FastifyReply): Promise<unknown> => {
    const path = request.url.split('?', 1)[0] as string;
    const secret = authorization(request.headers);
    const isDeep = path.replace(/\/+$/, '').split('/').length > 3;
    const parsed = parseTopicPath(path);
    if (secret === undefined || !looksLikeJwt(secret)) {
      if (parsed && (await this.#options.gate.grant(request, parsed.topic))) return undefined;
      // A token of ours may be for a topic with slashes, and deserves our words when it is not good.
      if (secret !== undefined && isDeep) return undefined;
    }
    if (isDeep || !parsed) return frameError(reply, 404, `path ${path} was not found`);
    const token = this.authorise(request, reply);
    if (!token) {
      const detail = 'a code was asked for without a good token';
      this.#options.refusals.note({
        what: 'view',
        topic: parsed.topic,
        from: callerAddress(request.raw),
        detail,
      });
      return reply;
    }
    const type = foreignBody(request);
    if (type !== undefined) {
      const words = `unsupported media type ${JSON.stringify(type)}, only [application/json] are allowed`;
      return frameError(reply, 415, words);
    }
    return this.#openSession(reply, token, parsed.topic);
  };

  async #openSession(reply: FastifyReply, token: AccessToken, topic: string): Promise<FastifyReply> {
    const { settings, bookings, codes, clock } = this.#options;
    const { bookingId, prefix, scopes, expires } = token;
    const isWhole = token.topic !== '' && prefix !== '' && scopes.length > 0 && token.hasAudience;
    if (!isWhole || !token.hasAllTimes) return says(reply, 401, 'Token Missing Required Claims');
    if (token.topic !== topic) return says(reply, 401, 'Token Wrong Topic');
    if (bookingId === '' && !settings.allowNoBookingId) {
      return complains(reply, 400, 'empty bookingID field is not permitted');
    }
    if (bookingId.length > BOOKING_ID_CHARS) {
      return complains(reply, 400, `a bookingID has at most ${BOOKING_ID_CHARS} characters`);
    }
    if (bookingId !== '' && bookings.isDenied(bookingId)) {
      const words = 'bookingID has been deny-listed, probably because the session was cancelled';
      return complains(reply, 400, words);
    }
    const by = { kind: 'booking', id: bookingId, scopes, since: clock.wall(), expires } as const;
    const place = { household: FIRST_HOUSEHOLD };
    const code = await codes.issue({ topic, access: scopeAccess(scopes), by, place });
    if (code === undefined) {
      return frameError(reply, 503, 'too many codes are pending; try again in a moment');
    }
    if (bookingId !== '') bookings.use(bookingId, expires);
    return says(reply, 200, { uri: `${settings.url}/${encodeURIComponent(prefix)}/${topic}?code=${code}` });
  }
}

/** The type of a body that is there and no JSON. An axios client posts `{}`, curl and the Go client post nothing. */
function foreignBody({ headers }: FastifyRequest): string | undefined {
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
  // What the older frame took a body without a type for.
  const type = headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase() || 'application/octet-stream';
  return hasBody && type !== 'application/json' ? type : undefined;
}
