import type { Epoch } from '../clock/epoch.ts';
import type { Codec, StreamClass } from '../codec/codec.ts';
import type { Descriptor } from '../psi/descriptors.ts';
import type { Ticks90k } from '../time.ts';
import type { HeldUnit } from './held-unit.ts';
import type { PesStamps } from './pes-stamps.ts';

/** What a feed's program says about one of its streams. */
export interface TrackAnnouncement {
  readonly pid: number;
  readonly streamType: number;
  readonly codec: Codec;
  readonly class: StreamClass;
  readonly descriptors: readonly Descriptor[];
}

/** One elementary stream of a feed, from one PMT to the next and over restarts of the encoder. */
export class FeedTrack {
  /** Its place among the feed's tracks, 0 to 15: its own as long as it is there. */
  readonly index: number;
  readonly class: StreamClass;
  readonly streamType: number;
  /** Where it is in the input now; it may move when the encoder starts again. */
  pid: number;
  codec: Codec;
  descriptors: readonly Descriptor[];

  /** The run of the encoder's clock that its units are of; undefined before the first. */
  epoch: Epoch | undefined;
  /** The last usable time stamp, unwrapped, and when it came. */
  ticks = 0 as Ticks90k;
  arrivedAt = 0 as Ticks90k;
  /** When the last packet came. */
  packetAt = 0 as Ticks90k;
  /** How long the last unit lasted, by the time stamps. */
  step = 0;
  /** How long its encoder is known to hold a unit back; Infinity before that is known. In ticks of 90 kHz. */
  held = Number.POSITIVE_INFINITY;
  /** How long the sound of the first unit lasts, where it was looked at. */
  content = 0;
  /** The last time given out; undefined before the first. */
  out: Ticks90k | undefined;
  /** When what was given out of sound ends. */
  soundUntil: Ticks90k | undefined;
  /** Ticks of sound left out since the encoder's clock began, because they overlapped. */
  overlapped = 0;
  /** Whether the last unit of sound was. */
  leftOut = false;
  units = 0;
  /** Its encoder says where a decoder can begin, so nobody need look. */
  tellsRandomAccess = false;

  /** A unit has begun whose packets pass. */
  passing = false;
  /** The begin of a unit that cannot be judged yet. */
  waiting: HeldUnit | undefined;
  /** So many packets were lost since the last one that passed, modulo 16. */
  gap = 0;
  /** What packets without payload have said about the next unit. */
  randomAccessNext = false;
  discontinuityNext = false;

  constructor(index: number, announced: TrackAnnouncement) {
    this.index = index;
    this.class = announced.class;
    this.streamType = announced.streamType;
    this.pid = announced.pid;
    this.codec = announced.codec;
    this.descriptors = announced.descriptors;
  }

  /** The encoder is another, or begins again. */
  interrupt(): void {
    this.epoch = undefined;
    this.passing = false;
    this.waiting = undefined;
    this.held = Number.POSITIVE_INFINITY;
    this.content = 0;
    this.gap = 0;
    this.tellsRandomAccess = false;
    this.step = 0;
    this.soundUntil = undefined;
    this.overlapped = 0;
    this.leftOut = false;
    this.randomAccessNext = false;
    this.discontinuityNext = false;
  }
}

/** The begin of a unit, with its times on the agent's clock. */
export interface TimedUnit {
  readonly track: FeedTrack;
  /** Agent's time in ticks of 90 kHz; strictly rising within a track. */
  readonly dts: Ticks90k;
  readonly pts: Ticks90k;
  readonly randomAccess: boolean;
  /** Where its time stamps are in its packets. */
  readonly stamps: PesStamps;
  /** When it came, and when the next one of this track is expected by its own times. */
  readonly arrivedAt: Ticks90k;
  readonly step: number;
}

/** Who takes a feed's packets. Packets are only valid during the call. */
export interface FeedTaker {
  /** The list of tracks has changed. */
  onTracks(): void;
  /** A unit begins, with `packets` packets in a row from `at`. */
  onUnit(unit: TimedUnit, bytes: Uint8Array, at: number, packets: number, gap: number): void;
  /** One more packet of the unit that has begun. `gap`: so many are missing before it. */
  onPacket(track: FeedTrack, bytes: Uint8Array, at: number, gap: number): void;
  /** The encoder has gone or begins again: what is half there ends. */
  onInterrupt(): void;
  /** All packets of a push were handed over. */
  onPushed(nowMs: number): void;
}
