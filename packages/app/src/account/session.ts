import { type Answer, ask, segment, tell } from '../http/ask.ts';
import { decodeList, Fields } from '../http/fields.ts';

/** A browser that is signed in. */
export interface Session {
  readonly id: string;
  /** Id of whose it is; undefined where it is of an invite. */
  readonly user: string | undefined;
  readonly created: number | undefined;
  readonly lastUsed: number | undefined;
  readonly address: string;
  readonly userAgent: string;
  /** It is this browser. */
  readonly current: boolean;
}

/** Understands `GET /api/v1/sessions`: this browser first, then by last use. */
export function decodeSessions(value: unknown): Session[] {
  const sessions = decodeList(value, (fields) => {
    const id = fields.maybeText('id');
    if (id === undefined) return undefined;
    return {
      id,
      user: fields.maybeText('user'),
      created: fields.time('created'),
      lastUsed: fields.time('lastUsed'),
      address: fields.text('address'),
      userAgent: fields.text('userAgent'),
      current: fields.flag('current'),
    };
  });
  return sessions.sort(
    (a, b) => Number(b.current) - Number(a.current) || (b.lastUsed ?? 0) - (a.lastUsed ?? 0),
  );
}

export const endSession = (id: string): Promise<Answer<undefined>> =>
  tell(`/api/v1/sessions/${segment(id)}`, { method: 'DELETE' });

/** A token for a program, without its secret. */
export interface Token {
  readonly id: string;
  /** Glob of topic names. */
  readonly topic: string;
  readonly scope: readonly string[];
  readonly expires: number | undefined;
  readonly lastUsed: number | undefined;
}

/** Understands `GET /api/v1/tokens`. */
export const decodeTokens = (value: unknown): Token[] =>
  decodeList(value, (fields) => {
    const id = fields.maybeText('id');
    if (id === undefined) return undefined;
    return {
      id,
      topic: fields.text('topic'),
      scope: fields.texts('scope'),
      expires: fields.time('expires'),
      lastUsed: fields.time('lastUsed'),
    };
  });

/** Makes a token; its secret is in the answer and nowhere else. @param ttl its life in seconds. */
export const makeToken = (topic: string, scope: readonly string[], ttl: number): Promise<Answer<string>> =>
  ask('/api/v1/tokens', (value) => new Fields(value).text('token'), {
    method: 'POST',
    body: { topic, scope, ttl },
  });

/** What rests on it ends within a second. */
export const endToken = (id: string): Promise<Answer<undefined>> =>
  tell(`/api/v1/tokens/${segment(id)}`, { method: 'DELETE' });
