import type { StreamClass } from '../codec/codec.ts';

/** A track of a feed as it came in. Plain data. */
export interface TimedFeedTrack {
  readonly class: StreamClass;
  /** As FFmpeg spells it. */
  readonly codec: string;
  /** In the input; of pushed data 0x1ff0. */
  readonly pid: number;
  readonly streamType: number;
  readonly units: number;
}

/** What is known of a feed now. Plain data. */
export interface TimedFeedState {
  readonly tracks: readonly TimedFeedTrack[];
  /** What is added to its time stamps to get the agent's time, in milliseconds; undefined before the first unit. */
  readonly offsetMs: number | undefined;
  /** How much faster than the agent's its clock runs, in parts per million. */
  readonly driftPpm: number;
  /** How often its time stamps began anew. */
  readonly restarts: number;
  readonly packets: number;
  /** Gaps in its continuity counters: places where packets were lost before they came here. */
  readonly losses: number;
  /** Bytes that belonged to no packet. */
  readonly skippedBytes: number;
  /** What is strange about it, in words. */
  readonly oddities: readonly string[];
}
