import type { StreamClass } from '../codec/codec.ts';
import type { Damage, DamageCounts } from '../damage.ts';

/** Mean and longest of a run of intervals, in milliseconds. */
export interface Intervals {
  readonly count: number;
  readonly meanMs: number;
  readonly maxMs: number;
}

/** What was found about one elementary stream. Plain data: it goes into JSON as it is. */
export interface StreamReport {
  readonly pid: number;
  readonly streamType: number;
  readonly class: StreamClass;
  /** The PMT lists it no more. */
  readonly gone?: true;
  /** As FFmpeg spells it. */
  readonly codec: string;
  /** For WebCodecs and MSE, where the codec has one. */
  readonly codecString?: string;
  readonly language?: string;
  readonly width?: number;
  readonly height?: number;
  readonly sampleRate?: number;
  readonly channels?: number;
  /** Frames per second as the time stamps say; the stream's own word where there are too few. */
  readonly frameRate?: number;
  readonly packets: number;
  /** Packets of the PID as they are, in bits per second. */
  readonly bitRate?: number;
  readonly continuityErrors: number;
  readonly accessUnits: number;
  /** Access units whose end is missing. */
  readonly damagedUnits: number;
  /** Video only; every audio frame is one. */
  readonly randomAccess?: { readonly count: number; readonly interval?: Intervals };
  /** Smallest and largest presentation time, in seconds of the stream's own clock. */
  readonly firstPts?: number;
  readonly lastPts?: number;
  /** How long before its decoding time a unit is complete, by the program clock: mean and least, in milliseconds. */
  readonly leadMs?: { readonly mean: number; readonly min: number };
}

/** What was found about one program. */
export interface ProgramReport {
  readonly number: number;
  readonly pmtPid: number;
  readonly pcrPid: number;
  readonly version: number;
  /** How often the PMT changed. */
  readonly changes: number;
  /** By the program clock and the rate between its samples, else by time stamps. */
  readonly durationSeconds?: number;
  readonly pcr: { readonly count: number; readonly interval?: Intervals; readonly jumps: number };
  /** First audio minus first video presentation time, in milliseconds: positive when sound begins later. */
  readonly audioVideoOffsetMs?: number;
  readonly streams: readonly StreamReport[];
}

/** A PID that carries no elementary stream. */
export interface OtherPid {
  readonly pid: number;
  readonly what: string;
  readonly packets: number;
  readonly continuityErrors: number;
}

/** What was found in a transport stream. Plain data. */
export interface Report {
  readonly bytes: number;
  readonly packets: number;
  readonly nullPackets: number;
  readonly duplicatePackets: number;
  /** The whole multiplex, in bits per second. */
  readonly bitRate?: number;
  readonly continuityErrors: number;
  readonly damage: DamageCounts;
  /** The first of it, in order. */
  readonly firstDamage: readonly Damage[];
  readonly programs: readonly ProgramReport[];
  readonly otherPids: readonly OtherPid[];
}
