import { join } from 'node:path';
import { type Clock, millis } from '@perch/runtime';
import { StateFile } from '../state-file.ts';
import { hashSecret, newSecret, sameHash } from './secret.ts';

interface SessionRecord {
  /** SHA-256 of the cookie's value, hex. */
  readonly hash: string;
  /** ISO 8601, UTC. */
  readonly expires: string;
}

/** A sign-in link works this long. */
export const LINK_LIFE = millis(15 * 60_000);
const SESSION_LIFE_MS = 30 * 24 * 3_600_000;
const MOST_SESSIONS = 200;
const MOST_LINKS = 100;

/**
 * Who has opened the app: a link's secret is exchanged, once, for a cookie. Hashes of cookies are kept in
 * `DIR/app-sessions.json`, so that a restart signs nobody out. Until accounts come, whoever holds a link is the owner.
 */
export class AppSessions {
  readonly #clock: Clock;
  readonly #file: StateFile<readonly SessionRecord[]>;
  /** Hash of a link's secret → when it expires. */
  readonly #links = new Map<string, number>();

  constructor(options: { data: string; clock: Clock }) {
    this.#clock = options.clock;
    this.#file = new StateFile({
      path: join(options.data, 'app-sessions.json'),
      empty: [],
      decode: decodeSessions,
    });
  }

  /** @throws {RelayError} where the file cannot be read or understood. */
  open(): void {
    this.#file.read();
  }

  /** Makes a secret for a sign-in link, or accepts one that the caller made: one use, {@link LINK_LIFE}. */
  newLinkSecret(secret = newSecret()): string {
    if (this.#links.size >= MOST_LINKS) {
      for (const oldest of this.#links.keys()) {
        this.#links.delete(oldest);
        break;
      }
    }
    this.#links.set(hashSecret(secret), this.#clock.now() + LINK_LIFE);
    return secret;
  }

  /** Spends a link's secret. @returns the cookie's value, or `undefined` for a wrong, used or old one. */
  signIn(secret: string): string | undefined {
    const hash = hashSecret(secret);
    const expires = this.#links.get(hash);
    if (expires === undefined || expires <= this.#clock.now()) return undefined;
    const cookie = newSecret();
    const now = this.#clock.wall();
    this.#file.update((sessions) => [
      ...sessions.filter((s) => Date.parse(s.expires) > now).slice(-(MOST_SESSIONS - 1)),
      { hash: hashSecret(cookie), expires: new Date(now + SESSION_LIFE_MS).toISOString() },
    ]);
    // Only now: with a full disk the link must stay good.
    this.#links.delete(hash);
    return cookie;
  }

  /** The session of a cookie's value, if it is signed in. */
  find(cookie: string): string | undefined {
    const hash = hashSecret(cookie);
    return this.#file.latest.some((s) => sameHash(s.hash, hash) && this.#holds(s)) ? hash : undefined;
  }

  isValid(id: string): boolean {
    return this.#file.latest.some((s) => s.hash === id && this.#holds(s));
  }

  /** How long a cookie may live, in seconds. */
  readonly cookieSeconds = SESSION_LIFE_MS / 1000;

  #holds(session: SessionRecord): boolean {
    return Date.parse(session.expires) > this.#clock.wall();
  }
}

function decodeSessions(value: unknown): readonly SessionRecord[] {
  if (!Array.isArray(value)) throw new Error('it must be a list of sessions');
  return value.map((entry: unknown) => {
    const { hash, expires } = (typeof entry === 'object' && entry !== null ? entry : {}) as Record<
      string,
      unknown
    >;
    if (typeof hash !== 'string' || typeof expires !== 'string' || Number.isNaN(Date.parse(expires))) {
      throw new Error('a session has "hash" and "expires"');
    }
    return { hash, expires };
  });
}
