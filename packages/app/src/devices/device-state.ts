import { Fields } from '../http/fields.ts';

/** What a device told last of its feeds, streams and destinations. Bit rates in bit/s, durations in milliseconds. */
export interface DeviceState {
  readonly feeds: readonly FeedState[];
  readonly streams: readonly StreamState[];
  readonly destinations: readonly DestinationState[];
  readonly sources: readonly SourceState[];
}

export interface Track {
  readonly class: 'video' | 'audio' | 'data';
  readonly codec: string;
  /** In a stream: which feed it is of. */
  readonly feed: string | undefined;
}

/** Whether it is filmed when something moves, and what moves now. */
export interface MotionState {
  readonly isOn: boolean;
  readonly isFilming: boolean;
  /** From 1 to 10. */
  readonly sensitivity: number;
  /** As a share of what counts as motion: from 1 it does. */
  readonly level: number;
  /** In ms since 1970. */
  readonly lastMotion: number | undefined;
  readonly trouble: string | undefined;
}

export interface FeedState {
  readonly feed: string;
  readonly publishers: number;
  readonly bitRate: number;
  readonly tracks: readonly Track[];
  readonly oddities: readonly string[];
  /** Undefined where the device cannot film, or does not say. */
  readonly motion: MotionState | undefined;
}

export interface StreamState {
  readonly stream: string;
  readonly feeds: readonly string[];
  /** The uplink chooses among several lists of feeds: nothing there is muted by hand. */
  readonly hasAlternatives: boolean;
  readonly takers: number;
  readonly bitRate: number;
  readonly tracks: readonly Track[];
  readonly oddities: readonly string[];
  readonly motion: MotionState | undefined;
}

export interface DestinationState {
  readonly id: string;
  readonly stream: string;
  /** An address without its secrets. */
  readonly address: string;
  /** The configuration of the device gave it: it cannot be removed from here. */
  readonly readOnly: boolean;
  readonly state: string;
  readonly nextTryInMs: number | undefined;
  readonly lastError: string | undefined;
  readonly bitRate: number;
  readonly delayMs: number;
  readonly droppedMessages: number;
  readonly viewers: number | undefined;
  readonly reconnects: number;
}

/** A process that makes a feed. */
export interface SourceState {
  readonly source: string;
  readonly feed: string;
  readonly state: string;
  readonly lastError: string | undefined;
}

/** What the relay last heard from a device, and when. */
export interface DeviceNews {
  readonly online: boolean;
  readonly at: number | undefined;
  /** Undefined before the device has told anything. */
  readonly state: DeviceState | undefined;
}

/** Understands an answer of `…/state`, and the data of an event `state`. */
export function decodeDeviceNews(value: unknown): DeviceNews {
  const fields = new Fields(value);
  return {
    online: fields.flag('online'),
    at: fields.time('at') ?? fields.maybeNumber('at'),
    state: fields.has('state') ? decodeDeviceState(fields.object('state')) : undefined,
  };
}

function decodeDeviceState(fields: Fields): DeviceState {
  return {
    feeds: fields.list('feeds', decodeFeed),
    streams: fields.list('streams', decodeStream),
    destinations: fields.list('destinations', decodeDestination),
    sources: fields.list('sources', (source) => ({
      source: source.text('source'),
      feed: source.text('feed'),
      state: source.text('state'),
      lastError: source.maybeText('lastError'),
    })),
  };
}

function decodeFeed(fields: Fields): FeedState | undefined {
  const feed = fields.maybeText('feed');
  // The control channel is a topic of the agent too, but nothing to see or hear; a stream has a card of its own.
  if (feed === undefined || feed === 'api' || feed.startsWith('stream/')) return undefined;
  return {
    feed,
    publishers: fields.number('publishers'),
    bitRate: fields.number('bitRate'),
    tracks: fields.list('tracks', decodeTrack),
    oddities: fields.texts('oddities'),
    motion: decodeMotion(fields),
  };
}

function decodeStream(fields: Fields): StreamState | undefined {
  const stream = fields.maybeText('stream');
  if (stream === undefined) return undefined;
  return {
    stream,
    feeds: fields.texts('feeds'),
    hasAlternatives: fields.has('alternatives'),
    takers: fields.number('takers'),
    bitRate: fields.number('bitRate'),
    tracks: fields.list('tracks', decodeTrack),
    oddities: fields.texts('oddities'),
    motion: decodeMotion(fields),
  };
}

function decodeDestination(fields: Fields): DestinationState | undefined {
  const id = fields.maybeText('id');
  if (id === undefined) return undefined;
  return {
    id,
    stream: fields.text('stream'),
    address: fields.text('destination'),
    readOnly: fields.flag('readOnly'),
    state: fields.text('state'),
    nextTryInMs: fields.maybeNumber('nextTryInMs'),
    lastError: fields.maybeText('lastError'),
    bitRate: fields.number('bitRate'),
    delayMs: fields.number('delayMs'),
    droppedMessages: fields.object('dropped').number('messages'),
    viewers: fields.maybeNumber('viewers'),
    reconnects: fields.number('reconnects'),
  };
}

const decodeMotion = (fields: Fields): MotionState | undefined => {
  if (!fields.has('motion')) return undefined;
  const motion = fields.object('motion');
  return {
    isOn: motion.flag('isOn'),
    isFilming: motion.flag('isFilming'),
    sensitivity: motion.number('sensitivity', 5),
    level: motion.number('level'),
    lastMotion: motion.maybeNumber('lastMotion'),
    trouble: motion.maybeText('trouble'),
  };
};

const decodeTrack = (fields: Fields): Track => ({
  class: fields.oneOf('class', ['video', 'audio', 'data'], 'data'),
  codec: fields.text('codec', 'unknown'),
  feed: fields.maybeText('feed'),
});

/**
 * The topic of this relay that a destination of the device publishes to; `undefined` where it sends elsewhere. By a rule
 * a device publishes only below its own id; the one of `perch up` shares its feeds under their own names.
 */
export function topicOf(
  { id, address }: Pick<DestinationState, 'id' | 'address'>,
  device: string,
): string | undefined {
  const path = URL.parse(address)?.pathname ?? '';
  const topic = /^\/(?:in|bi|session)\/(.+)$/.exec(path)?.[1];
  return isOfItself({ id }) || topic?.startsWith(`${device}/`) ? topic : undefined;
}

/** On which topic of this relay each feed and stream of the device can be seen. */
export function topicsOf(state: DeviceState, device: string): ReadonlyMap<string, string> {
  const topics = state.destinations.flatMap((destination) => {
    const topic = topicOf(destination, device);
    return topic === undefined ? [] : [[destination.stream, topic] as const];
  });
  return new Map(topics);
}

/** Whether the device made a destination by itself, as no rule sends that feed or stream anywhere. */
export const isOfItself = ({ id }: Pick<DestinationState, 'id'>): boolean => id.startsWith('shared/');

/** Where the device reaches this relay, as it says itself; else where this page does. */
export function relayOf(state: DeviceState, device: string, page: string): string {
  const own = state.destinations.find((one) => isOfItself(one) && topicOf(one, device) !== undefined);
  const url = own && URL.parse(own.address);
  return url ? `${url.protocol}//${url.host}` : page;
}

/** What a destination does, in words. */
export function destinationWords({ state, nextTryInMs }: DestinationState): string {
  switch (state) {
    case 'open':
      return 'Connected';
    case 'waiting':
      return nextTryInMs ? `Next try in ${Math.ceil(nextTryInMs / 1_000)} s` : 'About to try again';
    case 'connecting':
      return 'Connecting …';
    case 'invalid':
      return 'Cannot be reached at all';
    case 'closed':
      return 'Closed';
    default:
      return state || 'Not started';
  }
}
