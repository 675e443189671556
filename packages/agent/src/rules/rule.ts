import { limits, PERCH_1 } from '@perch/protocol';
import { RuleError } from './errors.ts';

/** Which feeds make a stream. `feeds` is null where the client named none (COMPAT 1.3). */
export interface StreamRule {
  readonly stream: string;
  readonly feeds: readonly string[] | null;
  /** In place of `feeds`: sets of feeds, the best first, of which the uplink decides. Only in answers when set. */
  readonly alternatives?: readonly (readonly string[])[];
}

/** What there is to say of a feed whatever stream it is in. */
export interface FeedRule {
  readonly feed: string;
  /** What its encoder needs between seeing and sending, in milliseconds: so much earlier is it shown. */
  readonly delayMs: number;
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
  const feeds = given === undefined || given === null ? null : feedNames(given, 'feeds');
  const others = field('alternatives');
  if (others === undefined || others === null) return { stream, feeds };
  if (feeds)
    throw new RuleError('bad-rule', '`alternatives` stand in place of `feeds`: leave one of them out');
  if (!Array.isArray(others)) throw bad('alternatives', 'must be a list of lists of feed names', others);
  if (others.length < 1 || others.length > ALTERNATIVES)
    throw bad('alternatives', `must hold 1 to ${ALTERNATIVES} lists`, others.length);
  const alternatives = others.map((list: unknown, i) => feedNames(list, `alternatives[${i}]`));
  return { stream, feeds, alternatives };
}

/** @throws {RuleError} `bad-rule`, naming the field. */
export function decodeFeedRule(value: unknown): FeedRule {
  const field = fields(value, 'a feed rule');
  const feed = name(field('feed'), 'feed');
  const delayMs = field('delayms') ?? 0;
  if (typeof delayMs !== 'number' || !(delayMs >= 0 && delayMs <= FEED_DELAY_MS))
    throw bad('delayMs', `must be a number from 0 to ${FEED_DELAY_MS}`, delayMs);
  return { feed, delayMs };
}

/**
 * A stream is put together of feeds, never of streams: of itself it would have no end.
 *
 * @throws {RuleError} `bad-rule`, naming the entry.
 */
export function refuseNesting({ stream, feeds, alternatives }: StreamRule): void {
  for (const feed of [...(feeds ?? []), ...(alternatives ?? []).flat()]) {
    if (feed === stream)
      throw new RuleError('bad-rule', `stream "${stream}" names itself as a feed: take that out`);
    if (isStream(feed))
      throw new RuleError(
        'bad-rule',
        `"${feed}" is a stream, and "${stream}" can be put together of feeds only: name the feeds of "${feed}"`,
      );
  }
}

function feedNames(given: unknown, field: string): string[] {
  if (!Array.isArray(given)) throw bad(field, 'must be a list of feed names', given);
  if (given.length > FEEDS) throw bad(field, `may name at most ${FEEDS} feeds`, given.length);
  const feeds = given.map((feed: unknown, i) => name(feed, `${field}[${i}]`));
  if (feeds.includes(API_TOPIC)) throw bad(field, 'may not hold the control channel', API_TOPIC);
  return feeds;
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

/** Most feeds of one stream, and most alternatives. */
const FEEDS = 100;
const ALTERNATIVES = 8;

/** Longest delay of an encoder that is believed. */
const FEED_DELAY_MS = 10_000;

/** Longest text of a field, such as an address with a token in it. */
const TEXT_CHARS = 8_192;

function text(value: unknown, field: string): string {
  if (value === undefined || value === null) return '';
  if (typeof value !== 'string') throw bad(field, 'must be a string', value);
  if (value.length > TEXT_CHARS) throw bad(field, `may have at most ${TEXT_CHARS} characters`, value.length);
  return value;
}

/** A name without the one leading slash that vw takes away. */
export function name(value: unknown, field: string): string {
  const given = text(value, field).replace(/^\//, '');
  if (given === '' || isName(given)) return given;
  throw bad(
    field,
    `may hold letters, digits and . _ ~ - / only, at most ${limits.topicChars} of them`,
    given,
  );
}

/** What is wrong with a field, in words. */
export function bad(field: string, rule: string, value: unknown): RuleError {
  const shown = typeof value === 'string' ? JSON.stringify(value.slice(0, 80)) : kindOf(value);
  return new RuleError('bad-rule', `\`${field}\` ${rule}, not ${shown}`);
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'number') return String(value);
  return value === null ? 'null' : `a ${typeof value}`;
}
