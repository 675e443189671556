import type { Access, TopicPath } from '@perch/protocol';
import type { Clock, Millis } from '@perch/runtime';
import { audiences, verifyJwt } from './jwt.ts';

/** What switches crossbar's tokens on (COMPAT 2.1). */
export interface CrossbarSettings {
  /** `CROSSBAR_SECRET`: tokens are signed with it. */
  readonly secret: string;
  /** `CROSSBAR_AUDIENCE`, such as `https://relay.example`; a token's audience is this and the path. */
  readonly audience: string;
}

export type CrossbarVerdict =
  | { readonly kind: 'welcome'; readonly expires: Millis }
  | { readonly kind: 'denied'; readonly reason: string };

/** Judges crossbar's tokens (COMPAT 2.5). A token is for one path: `/in/demo` is another than `/out/demo`. */
export class CrossbarTokens {
  readonly #settings: CrossbarSettings;
  readonly #clock: Clock;

  constructor(options: { settings: CrossbarSettings; clock: Clock }) {
    this.#settings = options.settings;
    this.#clock = options.clock;
  }

  judge(token: string, path: string): CrossbarVerdict {
    const verdict = verifyJwt({ token, secret: this.#settings.secret, now: this.#clock.wall() });
    if (verdict.kind === 'invalid') return denied(`Error reading token: it ${verdict.why}`);
    const wanted = this.#settings.audience + path;
    const given = audiences(verdict.claims);
    if (!given.includes(wanted)) {
      return denied(
        `Denied - not permitted to access ${wanted} with token for ${given.join(' ').slice(0, 256) || 'nothing: it has no aud'}`,
      );
    }
    return { kind: 'welcome', expires: verdict.claims.expires };
  }
}

/**
 * crossbar's answer to a token. The older relay repeated the token in it; nobody reads that (vw looks at `authorised`
 * and `reason` only), and it put secrets into whatever records traffic, so the field is there and empty.
 */
export const authMessage = (path: string, verdict: CrossbarVerdict): string =>
  JSON.stringify({
    topic: path,
    token: '',
    authorised: verdict.kind === 'welcome',
    reason: verdict.kind === 'welcome' ? 'ok' : verdict.reason,
  });

/** crossbar's name for what a connection is on: its path, without a slash at the end. */
export const crossbarPath = ({ kind, topic }: TopicPath): string =>
  kind === 'bi' ? `/${topic}` : `/${kind}/${topic}`;

/** What a path allows whoever may be there at all: its tokens know no scopes (COMPAT 2.3). */
export const crossbarAccess = (kind: TopicPath['kind']): Access => ({ read: true, write: kind !== 'out' });

const denied = (reason: string): CrossbarVerdict => ({ kind: 'denied', reason });
