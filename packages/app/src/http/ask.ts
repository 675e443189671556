import { Fields } from './fields.ts';
import { type Problem, problemOf, unreachable } from './problem.ts';

/** What asking comes to. */
export type Answer<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: Problem };

export interface AskOptions {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

/** Asks the relay's API; the browser's cookie says who asks. Never rejects. */
export async function ask<T>(
  path: string,
  decode: (value: unknown) => T,
  { method = 'GET', body, signal }: AskOptions = {},
): Promise<Answer<T>> {
  try {
    const response = await fetch(path, {
      method,
      cache: 'no-store',
      ...(signal && { signal }),
      ...(body !== undefined && {
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
      }),
    });
    const value = await bodyOf(response);
    if (response.ok) return { ok: true, value: decode(value) };
    const message = new Fields(value).text('message');
    return {
      ok: false,
      problem: problemOf(response.status, message, response.headers.get('Retry-After')),
    };
  } catch {
    return { ok: false, problem: unreachable }; // no network, or the answer broke off
  }
}

/** Asks for something whose answer does not matter, but that it was a success. */
export const tell = (path: string, options: AskOptions): Promise<Answer<undefined>> =>
  ask(path, () => undefined, options);

/** The JSON of an answer; undefined where it has none, as an empty or plain text has. */
async function bodyOf(response: Response): Promise<unknown> {
  if (!response.headers.get('Content-Type')?.includes('json')) return undefined;
  return response.json();
}

/** A part of a path. */
export const segment = (name: string): string => encodeURIComponent(name);
