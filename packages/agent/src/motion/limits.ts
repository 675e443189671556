import { type Millis, millis } from '@perch/runtime';

const MiB = 1024 * 1024;

/** Every number of motion capture but the detector's own. Sizes in bytes, times in milliseconds. */
export const motionLimits = {
  /** What a ring of one feed holds at most; with more it reaches less far back. */
  ringBytes: 32 * MiB,
  /** A ring reaches so much further back than is asked for: motion is seen a moment after it began. */
  ringMargin: millis(3_000),
  /** A segment ends with the first group of pictures that makes it so long, or so large. */
  segment: millis(6_000),
  segmentBytes: 16 * MiB,
  /** What waits to be written of all films of a feed; beyond that segments are left out, and told as lost. */
  waitingBytes: 64 * MiB,
  /** A feed of which nothing comes for so long is gone: its films are over. */
  silence: millis(3_000),
  /** A feed in which no key picture came for so long is said to have none. */
  keyWait: millis(15_000),
  /** What waits to be decoded; beyond that the decoder goes on at the next random access point. */
  decoderBytes: 4 * MiB,
  /** A decoder that gives no picture for so long while it is fed is started anew. */
  decoderSilence: millis(15_000),
  /** A decoder that lived so long was well: the next pause is short again. */
  decoderWell: millis(30_000),
  /** A decoder that is told to end is killed after so long. */
  decoderGrace: millis(2_000),
  /** Feeds that can be watched at once. */
  feeds: 16,
  /** Zones of one feed. */
  zones: 16,
} as const satisfies Record<string, number | Millis>;

/** What holds where nobody says otherwise. */
export const motionDefaults = {
  sensitivity: 5,
  /** How much of what was before the motion is filmed, how much after it, and how long a film is at most. */
  before: millis(10_000),
  after: millis(20_000),
  most: millis(300_000),
} as const;
