import type { Millis } from '@perch/runtime';
import type { Switchboard } from '../ingest/switchboard.ts';
import { isStream, type StreamRule } from '../rules/rule.ts';
import type { Intake } from '../streams/intake.ts';
import type { Stream } from '../streams/stream.ts';

/** What is known of a feed that a stream reads; nothing of one that passes as it is. */
export function feedMedia(intake: Intake | undefined) {
  const state = intake?.feed.state;
  return {
    tracks: state?.tracks ?? [],
    /** What its rule says of its encoder. */
    delayMs: intake?.feed.delayMs ?? 0,
    /** What is added to its time stamps to get the agent's time. */
    offsetMs: state?.offsetMs === undefined ? null : tenths(state.offsetMs),
    /** How much faster than the agent's its clock runs. */
    driftPpm: state?.offsetMs === undefined ? null : tenths(state.driftPpm),
    /** How often its time stamps began anew. */
    restarts: state?.restarts ?? 0,
    /** Places where packets are missing. */
    losses: state?.losses ?? 0,
    oddities: [...(intake?.oddities ?? []), ...(state?.oddities ?? [])],
  };
}

/** What a stream is now. */
export function streamStats(rule: StreamRule, stream: Stream | undefined, board: Switchboard, now: Millis) {
  const state = stream?.combiner?.state;
  const feeds = stream?.feeds ?? rule.feeds ?? [];
  return {
    stream: rule.stream,
    feeds,
    alternatives: rule.alternatives ?? null,
    /** Which alternative is on, from 0. */
    alternative: stream?.alternative ?? null,
    takers: board.takers(rule.stream),
    bitRate: stream?.meter.bitRate(now) ?? 0,
    messages: stream?.meter.messages ?? 0,
    bytes: stream?.meter.bytes ?? 0,
    /** Those of the program on the wire. */
    tracks: state?.tracks ?? [],
    pcrPid: state ? state.pcrPid : null,
    pmtVersion: state ? state.version : null,
    /** What waits for something that is due before it. */
    heldBytes: state?.held ?? 0,
    oddities: isStream(rule.stream)
      ? [...missing(feeds, board), ...severalPictures(state?.tracks ?? []), ...(state?.oddities ?? [])]
      : ['only a name that begins with stream/ makes a stream'],
  };
}

function missing(feeds: readonly string[], board: Switchboard): string[] {
  const open = new Set([...board.feeds].map(({ name }) => name));
  return [...new Set(feeds)]
    .filter((feed) => !open.has(feed) || isStream(feed))
    .map((feed) =>
      isStream(feed) ? `${feed} is a stream and left out: name its feeds` : `${feed}: nobody publishes on it`,
    );
}

function severalPictures(tracks: readonly { readonly class: string; readonly feed: string }[]): string[] {
  const video = tracks.filter((track) => track.class === 'video');
  const first = video[0]?.feed;
  return video.length > 1 ? [`${video.length} video tracks: most players show that of ${first} alone`] : [];
}

const tenths = (value: number): number => Math.round(value * 10) / 10;
