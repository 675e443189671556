import type { StreamClass } from '../codec/codec.ts';

/** A track of a combined stream. Plain data. */
export interface CombinerTrack {
  readonly feed: string;
  readonly pid: number;
  readonly class: StreamClass;
  /** As FFmpeg spells it. */
  readonly codec: string;
  readonly units: number;
}

/** What a combined stream is now. Plain data. */
export interface CombinerState {
  /** Those of the PMT, in its order. */
  readonly tracks: readonly CombinerTrack[];
  /** 0x1fff: there is none. */
  readonly pcrPid: number;
  /** version_number of the PMT; −1 before the first. */
  readonly version: number;
  /** Bytes that wait for units that are due before them. */
  readonly held: number;
  /** What is strange, in words. */
  readonly oddities: readonly string[];
}
