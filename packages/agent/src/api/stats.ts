import type { CameraState } from '@perch/protocol';
import type { Clock, Millis } from '@perch/runtime';
import type { ControlStatus } from '../control/control.ts';
import type { Member } from '../ingest/member.ts';
import type { Publishers } from '../ingest/publisher.ts';
import type { Switchboard } from '../ingest/switchboard.ts';
import type { Motion } from '../motion/index.ts';
import type { RuleStore } from '../rules/store.ts';
import type { Source } from '../sources/source.ts';
import type { Streams } from '../streams/streams.ts';
import type { Moving, Uplink } from '../uplink/uplink.ts';
import { feedMedia, streamStats } from './media-stats.ts';

/** What the statistics look at. */
export interface StatsParts {
  readonly switchboard: Switchboard;
  readonly streams: Streams;
  readonly publishers: Publishers;
  readonly members: ReadonlySet<Member>;
  readonly uplinks: Iterable<Uplink>;
  readonly sources: readonly Source[];
  readonly store: RuleStore;
  /** How it is connected to its relay, if the device is enrolled. */
  readonly control: () => ControlStatus | undefined;
  /** The camera program, if the agent takes captures. */
  readonly camera: () => CameraState | undefined;
  /** Without it nothing is filmed here. */
  readonly motion: () => Motion | undefined;
  /** Whether `/preview/<topic>` exists. */
  readonly preview: boolean;
  readonly clock: Clock;
}

/** One moment of an agent. Bit rates in bit/s over the last five seconds, ages and durations in ms. */
export function takeStats(parts: StatsParts) {
  const { switchboard, streams, members, clock, store } = parts;
  const now = clock.now();
  const camera = parts.camera();
  const hearing = (topic: string) => switchboard.takers(topic);
  return {
    preview: parts.preview,
    /** The control connection; `null` where the device is not enrolled. */
    control: parts.control() ?? null,
    feeds: [...switchboard.feeds].map(({ name, meter, publishers }) => ({
      feed: name,
      publishers,
      takers: hearing(name),
      bitRate: meter.bitRate(now),
      messages: meter.messages,
      bytes: meter.bytes,
      ...feedMedia(streams.intake(name)),
      motion: parts.motion()?.state(name) ?? null,
    })),
    streams: [...store.current.streams.values()].map((rule) => ({
      ...streamStats(rule, streams.get(rule.stream), switchboard, now),
      motion: parts.motion()?.state(rule.stream) ?? null,
    })),
    destinations: [...parts.uplinks].map((uplink) => destinationStats(uplink, parts)),
    members: [...members].map(({ topic, meter, dropped }) => ({
      topic,
      bitRate: meter.bitRate(now),
      messages: meter.messages,
      bytes: meter.bytes,
      dropped,
    })),
    sources: parts.sources.map(({ name, feed, state, restarts, lastLines }) => ({
      source: name,
      feed,
      state: state.kind,
      restarts,
      lastError: state.kind === 'waiting' ? state.error : null,
      lastLines,
    })),
    /** One, or none where no captures are taken. */
    cameras: camera ? [{ ...camera }] : [],
  };
}

export type Stats = ReturnType<typeof takeStats>;

function destinationStats(uplink: Uplink, { clock, store }: StatsParts) {
  const { rule, state, meter } = uplink;
  const now = clock.now();
  return {
    id: rule.id,
    stream: rule.stream,
    destination: withoutSecrets(rule.destination),
    readOnly: store.isGiven(rule.id),
    state: state.kind,
    /** Which try this is, or was. */
    attempt: 'attempt' in state ? state.attempt : null,
    openForMs: state.kind === 'open' ? Math.round(now - state.since) : null,
    nextTryInMs: state.kind === 'waiting' ? Math.max(0, Math.ceil(state.nextTryAt - now)) : null,
    protocol: state.kind === 'open' ? state.protocol : null,
    reconnects: uplink.reconnects,
    lastError: uplink.lastError ?? null,
    bitRate: meter.bitRate(now),
    /** Pictures that left. */
    frames: uplink.frames,
    messages: meter.messages,
    bytes: meter.bytes,
    backlogBytes: uplink.backlog,
    /** How old the oldest is that waits or is on its way. */
    delayMs: Math.round(uplink.delayMs),
    /** How many watch, where the other end says so. At 0 nothing is sent. */
    viewers: uplink.viewers ?? null,
    /** Another destination that is being made while this one goes on. */
    moving: uplink.moving ? movingStats(uplink.moving, now) : null,
    dropped: uplink.dropped,
  };
}

function movingStats({ to, since, state, lastError }: Moving, now: Millis) {
  return {
    to: withoutSecrets(to),
    forMs: Math.round(now - since),
    state: state.kind,
    lastError: lastError ?? null,
  };
}

/** An address without what only its two ends should know. */
function withoutSecrets(destination: string): string {
  return destination.replace(/\?.*$/, '?…').replace(/\/\/[^/@]*@/, '//…@');
}
