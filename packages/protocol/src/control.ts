import { ProtocolError } from './errors.ts';

/**
 * Text messages of `perch.1`, one JSON object each, told apart by `type`. Unknown types are ignored by both sides,
 * so that new ones can be added.
 */
export type Control =
  /** relay → all, first message: the topic, and the relay's wall clock in ms. */
  | { readonly type: 'hello'; readonly topic: string; readonly now: number }
  /** relay → viewer: nobody publishes now; `live` follows when somebody does. */
  | { readonly type: 'waiting' }
  | { readonly type: 'live' }
  /** relay → viewer: so much was left out, because you were too slow. */
  | { readonly type: 'dropped'; readonly messages: number; readonly bytes: number }
  /** relay → publisher: how many watch (recorders included, caches and statistics not). */
  | { readonly type: 'watched'; readonly viewers: number }
  /** publisher → relay: there is something to send, which is held back until somebody watches. */
  | { readonly type: 'standby' }
  /** relay → publisher, before close code 4409: another publisher took over. */
  | { readonly type: 'replaced' }
  /** either → other, to learn clock offset and round trip. `t` is echoed, `now` is the answerer's wall clock in ms. */
  | { readonly type: 'ping'; readonly t: number }
  | { readonly type: 'pong'; readonly t: number; readonly now: number };

/** What a control message is about. */
export type ControlType = Control['type'];

const numberFields: { readonly [K in ControlType]: readonly string[] } = {
  hello: ['now'],
  waiting: [],
  live: [],
  dropped: ['messages', 'bytes'],
  watched: ['viewers'],
  standby: [],
  replaced: [],
  ping: ['t'],
  pong: ['t', 'now'],
};

/**
 * Decodes one control message.
 *
 * @returns `undefined` for a type of a later version.
 * @throws {ProtocolError} `bad-control` where it is no JSON object, or a field is missing or of another type.
 */
export function decodeControl(text: string): Control | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ProtocolError('bad-control', 'a perch.1 text message is a JSON object', { cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ProtocolError('bad-control', 'a perch.1 text message is a JSON object');
  }
  const record = value as Record<string, unknown>;
  if (typeof record.type !== 'string') throw new ProtocolError('bad-control', '`type` must be a string');
  if (!Object.hasOwn(numberFields, record.type)) return undefined;
  for (const field of numberFields[record.type as ControlType]) {
    if (typeof record[field] !== 'number' || !Number.isFinite(record[field])) {
      throw new ProtocolError('bad-control', `\`${field}\` of a ${record.type} message must be a number`);
    }
  }
  if (record.type === 'hello' && typeof record.topic !== 'string') {
    throw new ProtocolError('bad-control', '`topic` of a hello message must be a string');
  }
  return record as Control;
}

/** A control message as the text that goes on the wire. */
export const encodeControl = (control: Control): string => JSON.stringify(control);
