import { ProtocolError } from './errors.ts';

/** The answer to `POST /session/<topic>` (COMPAT 3.3): a WebSocket address that works once, for 30 s. */
export interface SessionAnswer {
  readonly uri: string;
}

/** @throws {ProtocolError} `bad-session-answer` unless it is `{"uri": "ws…"}`. */
export function decodeSessionAnswer(value: unknown): SessionAnswer {
  const uri =
    typeof value === 'object' && value !== null ? (value as Record<string, unknown>).uri : undefined;
  if (typeof uri !== 'string' || !/^wss?:\/\//.test(uri)) {
    throw new ProtocolError('bad-session-answer', 'the answer has no `uri` that starts with ws:// or wss://');
  }
  return { uri };
}
