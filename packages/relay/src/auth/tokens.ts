import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Access, matchesTopic } from '@perch/protocol';
import type { Clock, Logger } from '@perch/runtime';
import { dataError } from '../errors.ts';
import { StateFile } from '../state-file.ts';
import { hashSecret, newSecret, sameHash } from './secret.ts';

/** One line of `tokens.json`. The secret itself is not there. */
export interface TokenRecord {
  readonly id: string;
  /** SHA-256 of the secret, hex. */
  readonly hash: string;
  /** Glob of topic names. */
  readonly topic: string;
  readonly scope: readonly Scope[];
  /** ISO 8601, UTC. */
  readonly created: string;
  readonly expires: string;
}

export type Scope = 'read' | 'write';

export interface NewToken {
  /** Glob of topic names: `*` stops at `/`, `**` does not. */
  readonly topic: string;
  /** `read`, `write`, or both. */
  readonly scope: readonly Scope[];
  readonly ttlMs: number;
}

/** The API tokens in `DIR/tokens.json`. Whatever writes that file (`perch token`, an editor) is obeyed at once. */
export class Tokens {
  readonly #file: StateFile<readonly TokenRecord[]>;
  readonly #clock: Clock;
  readonly #logger: Logger;

  constructor(options: { data: string; clock: Clock; logger: Logger }) {
    this.#file = new StateFile({ path: join(options.data, 'tokens.json'), empty: [], decode: decodeTokens });
    this.#clock = options.clock;
    this.#logger = options.logger;
  }

  /**
   * Reads the file for the first time.
   *
   * @throws {RelayError} where it cannot be read or understood.
   */
  open(): void {
    this.#file.read();
  }

  /** The valid token with this secret. */
  find(secret: string): TokenRecord | undefined {
    const hash = hashSecret(secret);
    return this.valid().find((token) => sameHash(token.hash, hash));
  }

  /** Whether the token with this id may still be used: not revoked, not expired. */
  isValid(id: string): boolean {
    return this.valid().some((token) => token.id === id);
  }

  /**
   * Makes a token and keeps its hash. When this returns the file is on the disk.
   *
   * @returns the secret: it cannot be had again.
   * @throws {TypeError} for an empty glob or scope, or a life that is not positive. {@link RelayError} where the disk refuses.
   */
  create(token: NewToken): string {
    const record = { topic: token.topic, scope: checkScope(token.scope) };
    if (record.topic.length === 0) throw new TypeError('topic: a glob of topic names, such as front/*');
    if (!(token.ttlMs > 0)) throw new TypeError('ttlMs: how long the token lives, more than 0');
    const secret = newSecret();
    const now = this.#clock.wall();
    this.#file.update((tokens) => [
      // A good moment to forget those that nobody can use any more.
      ...tokens.filter((old) => Date.parse(old.expires) > now),
      {
        id: randomBytes(6).toString('hex'),
        hash: hashSecret(secret),
        ...record,
        created: new Date(now).toISOString(),
        expires: new Date(Math.min(now + token.ttlMs, 8.64e15)).toISOString(),
      },
    ]);
    return secret;
  }

  /** Ends a token at once; connections that rest on it are closed within a second. @returns whether there was one. */
  revoke(id: string): boolean {
    if (!this.#file.read().some((token) => token.id === id)) return false;
    this.#file.update((tokens) => tokens.filter((token) => token.id !== id));
    return true;
  }

  /** Those that are neither revoked nor expired. */
  valid(): readonly TokenRecord[] {
    const now = this.#clock.wall();
    return this.#read().filter((token) => Date.parse(token.expires) > now);
  }

  #read(): readonly TokenRecord[] {
    try {
      return this.#file.read();
    } catch (error) {
      // A slip of an editor must not throw everybody out: the last good file holds, loudly.
      this.#logger.error('tokens.json was changed and cannot be used; the tokens from before stay', {
        error: error instanceof Error ? error.message : String(error),
      });
      return this.#file.latest;
    }
  }
}

/** What the token allows on the topic. */
export const tokenAccess = (token: TokenRecord, topic: string): Access => {
  const covers = matchesTopic(token.topic, topic);
  return { read: covers && token.scope.includes('read'), write: covers && token.scope.includes('write') };
};

/** Makes a token in a data directory, also while a relay runs on it: for `perch token create`. */
export function createTokenIn(options: NewToken & { data: string; clock: Clock; logger: Logger }): string {
  try {
    mkdirSync(options.data, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw dataError(error, options.data);
  }
  return new Tokens(options).create(options);
}

interface TokenPlace {
  readonly data: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The valid tokens of a data directory: for `perch token list`. */
export const listTokensIn = (place: TokenPlace): readonly TokenRecord[] => new Tokens(place).valid();

/** The valid token with this secret in a data directory. */
export const findTokenIn = (place: TokenPlace & { secret: string }): TokenRecord | undefined =>
  new Tokens(place).find(place.secret);

/** Ends a token in a data directory: for `perch token revoke`. @returns whether there was one with this id. */
export const revokeTokenIn = (place: TokenPlace & { id: string }): boolean =>
  new Tokens(place).revoke(place.id);

function checkScope(scope: readonly unknown[]): readonly Scope[] {
  const known = scope.filter((s) => s === 'read' || s === 'write');
  if (known.length === 0 || known.length !== scope.length) {
    throw new TypeError('scope: read, write, or both');
  }
  return [...new Set(known)];
}

function decodeTokens(value: unknown): readonly TokenRecord[] {
  if (!Array.isArray(value)) throw new Error('it must be a list of tokens');
  return value.map((entry: unknown, i) => {
    const record = (typeof entry === 'object' && entry !== null ? entry : {}) as Record<string, unknown>;
    const text = (key: string): string => {
      const field = record[key];
      if (typeof field !== 'string' || field === '') throw new Error(`token ${i} has no text in "${key}"`);
      return field;
    };
    if (!Array.isArray(record.scope)) throw new Error(`token ${i} has no list in "scope"`);
    const expires = text('expires');
    if (Number.isNaN(Date.parse(expires))) throw new Error(`token ${i} has no date in "expires"`);
    return {
      id: text('id'),
      hash: text('hash'),
      topic: text('topic'),
      scope: checkScope(record.scope),
      created: text('created'),
      expires,
    };
  });
}
