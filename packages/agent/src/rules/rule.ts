import { limits, PERCH_1 } from '@perch/protocol';
import { RuleError } from './errors.ts';

/** Which feeds make a stream. `feeds` is null where the client named none (COMPAT 1.3). */
export interface StreamRule {
  readonly stream: string;
  readonly feeds: readonly string[] | null;
}

/** Where a feed or stream is sent. Field order is that of the answers (COMPAT 1.3). */
export interface DestinationRule {
  readonly id: string;
  /** A feed, a stream (`stream/…`) or `api`. */
  readonly stream: string;
  /** ws(s): dialled; http(s): an access address that gives one to dial. May be wrong: then it is tried for ever. */
  readonly destination: string;
  /** ws(s): sent as the first text frame; http(s): the `Authorization` of the access call. Empty: none. */
  readonly token: string;
  /** Set where the far end is a Perch relay: the subprotocol to offer. Only in answers when set. */
  readonly protocol?: typeof PERCH_1;
}

/** What vw answers for an id that it does not know. */
export const noDestination: DestinationRule = { id: '', stream: '', destination: '', token: '' };

/** The control channel's topic. */
export const API_TOPIC = 'api';

/** The id of the destination that `VW_API` makes. */
export const API_RULE = 'apiRule';

/** Ids and streams that mean "all of them". */
const DELETE_ALL = 'deleteAll';
export const meansAll = (name: string): boolean => name === 'all' || name === DELETE_ALL;
export { DELETE_ALL };

/** Only such topics are put together of feeds; all others are feeds. */
export const isStream = (topic: string): boolean => topic.startsWith('stream/');

/** What a name of a feed, stream or id may hold, in a path and in a rule (COMPAT 1.6-b). */
export const NAME = /^[A-Za-z0-9._~\-/]+$/;
export const isName = (name: string): boolean => NAME.test(name) && name.length <= limits.topicChars;

/** @throws {RuleError} `bad-rule`, naming the field. */
export function decodeStreamRule(value: unknown): StreamRule {
  const field = fields(value, 'a stream rule');
  const stream = name(field('stream'), 'stream');
  const given = field('feeds');
  if (given === undefined || given === null) return { stream, feeds: null };
  if (!Array.isArray(given)) throw bad('feeds', 'must be a list of feed names', given);
  if (given.length > FEEDS) throw bad('feeds', `may name at most ${FEEDS} feeds`, given.length);
  const feeds = given.map((feed: unknown, i) => name(feed, `feeds[${i}]`));
  if (feeds.includes(API_TOPIC)) throw bad('feeds', 'may not hold the control channel', API_TOPIC);
  return { stream, feeds };
}

/** @throws {RuleError} `bad-rule` or `file-refused`, naming the field. */
export function decodeDestinationRule(value: unknown): DestinationRule {
  const field = fields(value, 'a destination rule');
  const id = name(field('id'), 'id');
  if (id === 'all') throw bad('id', 'stands for all destinations; choose another', id);
  if (text(field('file'), 'file') !== '') {
    throw new RuleError(
      'file-refused',
      '`file` is not supported: an agent writes no files for others. Leave it out',
    );
  }
  const protocol = text(field('protocol'), 'protocol');
  if (protocol !== '' && protocol !== PERCH_1)
    throw bad('protocol', `must be "${PERCH_1}" or left out`, protocol);
  return {
    id,
    stream: name(field('stream'), 'stream'),
    destination: text(field('destination'), 'destination'),
    token: text(field('token'), 'token'),
    ...(protocol && { protocol }),
  };
}

/** Fields by name, whatever their case, as Go's decoder has it. A JSON null is an object without fields. */
export function fields(value: unknown, what: string): (name: string) => unknown {
  if (value === null) return () => undefined;
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw new RuleError('bad-rule', `${what} is a JSON object, not ${kindOf(value)}`);
  }
  const found = new Map<string, unknown>();
  for (const [key, entry] of Object.entries(value)) found.set(key.toLowerCase(), entry);
  return (key) => found.get(key);
}

/** Most feeds of one stream. */
const FEEDS = 100;

/** Longest text of a field, such as an address with a token in it. */
const TEXT_CHARS = 8_192;

function text(value: unknown, field: string): string {
  if (value === undefined || value === null) return '';
  if (typeof value !== 'string') throw bad(field, 'must be a string', value);
  if (value.length > TEXT_CHARS) throw bad(field, `may have at most ${TEXT_CHARS} characters`, value.length);
  return value;
}

/** A name without the one leading slash that vw takes away. */
function name(value: unknown, field: string): string {
  const given = text(value, field).replace(/^\//, '');
  if (given === '' || isName(given)) return given;
  throw bad(
    field,
    `may hold letters, digits and . _ ~ - / only, at most ${limits.topicChars} of them`,
    given,
  );
}

function bad(field: string, rule: string, value: unknown): RuleError {
  const shown = typeof value === 'string' ? JSON.stringify(value.slice(0, 80)) : kindOf(value);
  return new RuleError('bad-rule', `\`${field}\` ${rule}, not ${shown}`);
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'number') return String(value);
  return value === null ? 'null' : `a ${typeof value}`;
}
