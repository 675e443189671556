import { decodeSessionAnswer } from '@perch/protocol';
import { ClientError } from './errors.ts';
import type { FetchLike } from './socket.ts';
import { parseUrl } from './url.ts';

/** Where to ask for a one-time address, and as whom. */
export interface OpenSessionOptions {
  /** `http(s)://…/session/<topic>`: ours, or practable relay's access URL. */
  readonly url: string;
  /** Sent as it is in `Authorization` (COMPAT 3.2). Without it the browser's cookies speak. */
  readonly token?: string | undefined;
  readonly fetch: FetchLike;
}

/**
 * Posts to an access URL and returns the WebSocket address with its one-time code. Valid for one dial within 30 s.
 *
 * @throws {ClientError} `session-unreachable`, or `session-refused` with the status and the server's own words.
 * @throws {ProtocolError} `bad-session-answer` where the server answers something else.
 */
export async function openSession({ url, token, fetch }: OpenSessionOptions): Promise<string> {
  let status: number;
  let body: string;
  try {
    const answer = await fetch(url, {
      method: 'POST',
      headers: token === undefined ? {} : { Authorization: token },
      credentials: token === undefined ? 'include' : 'omit',
    });
    status = answer.status;
    body = await answer.text();
  } catch (cause) {
    throw new ClientError('session-unreachable', `${parseUrl(url).origin} did not answer`, { cause });
  }
  if (status < 200 || status > 299) {
    const words = wordsIn(body);
    throw new ClientError('session-refused', `the relay refused with ${status}${words && `: ${words}`}`, {
      status,
    });
  }
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    value = undefined; // no JSON: the decoder says what was expected
  }
  return decodeSessionAnswer(value).uri;
}

/** What a refusal says: the message of a JSON answer, else the text as it is. */
function wordsIn(body: string): string {
  try {
    const { message } = Object(JSON.parse(body)) as { readonly message?: unknown };
    if (typeof message === 'string') return message.slice(0, 200).trim();
  } catch {
    // No JSON: it is a text.
  }
  return body.slice(0, 200).trim();
}
