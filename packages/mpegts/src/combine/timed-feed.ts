import { soundIn } from '../clock/content.ts';
import { soundHeldTicks } from '../clock/encoder-delay.ts';
import { FeedClock } from '../clock/feed-clock.ts';
import { codecName } from '../codec/codec.ts';
import { isAdaptationSound } from '../packet/adaptation.ts';
import { ContinuityCheck } from '../packet/continuity.ts';
import {
  counterOf,
  hasPayload,
  hasTransportError,
  isDiscontinuity,
  isRandomAccess,
  isScrambled,
  isUnitStart,
  NULL_PID,
  PACKET_BYTES,
  pidOf,
} from '../packet/packet.ts';
import { type PacketStride, PacketSync } from '../packet/sync.ts';
import { ProgramFollower } from '../psi/follower.ts';
import type { Pmt } from '../psi/tables.ts';
import { type Ticks90k, ticks90k } from '../time.ts';
import { FeedProgram } from './feed-program.ts';
import type { FeedTaker, FeedTrack } from './feed-track.ts';
import { HeldUnit } from './held-unit.ts';
import { looksLikeKeyFrame } from './key-frame.ts';
import { Oddities } from './oddities.ts';
import { type PesStamps, readStamps } from './pes-stamps.ts';
import { TimedData } from './timed-data.ts';
import type { TimedFeedState } from './timed-feed-state.ts';

/** What must be known of a {@link TimedFeed} beforehand. */
export interface TimedFeedOptions {
  /** As rules name it. */
  readonly name: string;
  /** What its encoder holds units back beyond what is known of its codec, in milliseconds; it is subtracted. Default 0. */
  readonly delayMs?: number;
}

/**
 * One feed as a {@link Combiner} sees it: its packets read, its tracks found, its time anchored to the agent's monotonic
 * clock. Shared by all streams that name it; lives as long as the feed is known, so that its clock stays warm over mute
 * and unmute. Works on packets: payloads are looked at only for the begin of a PES header, and may be encrypted else.
 * No input makes it throw. Holds at most 64 packets for each track.
 */
export class TimedFeed {
  readonly name: string;
  readonly #oddities = new Oddities();
  readonly #clock: FeedClock;
  readonly #program = new FeedProgram(this.#oddities);
  readonly #data = new TimedData();
  readonly #continuity = new ContinuityCheck();
  #sync: PacketSync;
  #follower: ProgramFollower;
  /** Of the programs in the input, the one that is taken. */
  #chosen: number | undefined;
  #takers: readonly FeedTaker[] = [];
  #now = 0 as Ticks90k;
  #heardAt: Ticks90k | undefined;
  #interrupted = true;
  #packets = 0;
  #losses = 0;
  #skipped = 0;

  constructor(options: TimedFeedOptions) {
    this.name = options.name;
    this.#clock = new FeedClock(options.delayMs ?? 0, this.#oddities);
    this.#sync = this.#makeSync();
    this.#follower = this.#makeFollower();
  }

  /** See {@link TimedFeedOptions.delayMs}. A change moves all units from the next on, with the clock still warm. */
  get delayMs(): number {
    return this.#clock.delayMs;
  }

  set delayMs(delayMs: number) {
    this.#clock.delayMs = delayMs;
  }

  /** What is known of it now: a snapshot. */
  get state(): TimedFeedState {
    return {
      tracks: this.tracks.map(({ class: kind, codec, pid, streamType, units }) => ({
        class: kind,
        codec: codecName(codec),
        pid,
        streamType,
        units,
      })),
      offsetMs: this.#clock.offsetMs,
      driftPpm: this.#clock.driftPpm,
      restarts: this.#clock.restarts,
      packets: this.#packets,
      losses: this.#losses,
      skippedBytes: this.#skipped,
      oddities: this.#oddities.list,
    };
  }

  /** The tracks there are, those of the program first. For combiners. */
  get tracks(): readonly FeedTrack[] {
    const data = this.#data.track;
    return data ? [...this.#program.tracks, data] : this.#program.tracks;
  }

  /** When something came last, on the agent's clock, in ticks of 90 kHz; undefined before. For combiners. */
  get heardAt(): Ticks90k | undefined {
    return this.#heardAt;
  }

  /** Hands its packets to a combiner from now on, until the function returned is called. For combiners. */
  attach(taker: FeedTaker): () => void {
    this.#takers = [...this.#takers, taker];
    return () => {
      this.#takers = this.#takers.filter((one) => one !== taker);
    };
  }

  /** Bytes of the feed's transport stream that arrived at `nowMs` (agent's monotonic clock). Neither kept nor changed. */
  push(bytes: Uint8Array, nowMs: number): void {
    this.#advance(nowMs);
    this.#heardAt = this.#now;
    if (this.#interrupted) {
      this.#interrupted = false;
      this.#oddities.clear();
    }
    this.#sync.push(bytes);
    for (const taker of this.#takers) taker.onPushed(nowMs);
  }

  /**
   * A text or another message that is no MPEG-TS: it becomes one unit of timed data, due now. One of more than 65,519
   * bytes is left out; the oddities say so.
   */
  pushData(bytes: Uint8Array, nowMs: number): void {
    this.#advance(nowMs);
    this.#heardAt = this.#now;
    const isNew = !this.#data.track;
    const made = this.#data.unit(bytes, this.#now);
    if (!made) {
      this.#oddities.say(
        `a message of more than ${TimedData.mostBytes} bytes cannot be timed data: left out`,
      );
      return;
    }
    if (isNew) for (const taker of this.#takers) taker.onTracks();
    const { unit, packets } = made;
    for (const taker of this.#takers) {
      taker.onUnit(unit, packets, 0, 1, 0);
      for (let at = PACKET_BYTES; at < packets.length; at += PACKET_BYTES) {
        taker.onPacket(unit.track, packets, at, 0);
      }
      taker.onPushed(nowMs);
    }
  }

  /** The publisher ended, or a new one begins: what is half there is dropped, the clock starts anew. */
  interrupt(nowMs: number): void {
    this.#advance(nowMs);
    this.#interrupted = true;
    this.#sync = this.#makeSync();
    this.#follower = this.#makeFollower();
    this.#chosen = undefined;
    this.#continuity.forget();
    this.#clock.interrupt();
    this.#program.unmap();
    for (const track of this.#program.tracks) track.interrupt();
    for (const taker of this.#takers) taker.onInterrupt();
  }

  #advance(nowMs: number): void {
    const now = nowMs * 90;
    if (now > this.#now) this.#now = ticks90k(now);
  }

  #makeSync(): PacketSync {
    return new PacketSync({
      strides: [188, 192, 204],
      onPackets: (bytes, start, end, stride) => this.#readPackets(bytes, start, end, stride),
      onSkipped: (bytes) => {
        this.#skipped += bytes;
      },
    });
  }

  #makeFollower(): ProgramFollower {
    return new ProgramFollower({
      onProgram: (pmt) => this.#takeProgram(pmt),
      onProgramGone: (program) => {
        if (program !== this.#chosen) return;
        this.#chosen = undefined;
        this.#program.unmap();
      },
    });
  }

  #takeProgram(pmt: Pmt): void {
    if (this.#chosen !== undefined && this.#chosen !== pmt.programNumber) {
      this.#oddities.say(`several programs: ${this.#chosen} is taken, ${pmt.programNumber} is left out`);
      return;
    }
    this.#chosen = pmt.programNumber;
    const { gone, changed } = this.#program.take(pmt, (pid) => this.#follower.follows(pid));
    for (const track of gone) this.#clock.forget(track);
    if (changed) for (const taker of this.#takers) taker.onTracks();
  }

  #readPackets(bytes: Uint8Array, start: number, end: number, stride: PacketStride): void {
    for (let packet = start; packet < end; packet += stride) this.#readPacket(bytes, packet);
  }

  #readPacket(bytes: Uint8Array, packet: number): void {
    this.#packets++;
    const pid = pidOf(bytes, packet);
    if (pid === NULL_PID || hasTransportError(bytes, packet)) return;
    const control = (bytes[packet + 3] as number) & 0x30;
    if (control === 0 || (control !== 0x10 && !isAdaptationSound(bytes, packet))) return;
    const track = this.#program.at(pid);
    if (!track && !this.#follower.follows(pid)) return;
    const expected = this.#continuity.expected(pid);
    const continuity = this.#continuity.check(pid, bytes, packet);
    if (continuity === 'again') return;
    if (continuity === 'lost') this.#losses++;
    if (track) {
      if (continuity === 'lost') this.#lost(track, (counterOf(bytes, packet) - expected) & 15);
      this.#readMedia(track, bytes, packet, control);
      return;
    }
    if (continuity === 'lost') this.#follower.lost(pid);
    if (isScrambled(bytes, packet)) return;
    this.#follower.push(pid, bytes, packet);
  }

  #lost(track: FeedTrack, packets: number): void {
    track.gap = (track.gap + packets) & 15;
    // What is held cannot be completed.
    if (track.waiting) track.gap = (track.gap + track.waiting.gap + track.waiting.packets) & 15;
    track.waiting = undefined;
  }

  #readMedia(track: FeedTrack, bytes: Uint8Array, packet: number, control: number): void {
    const unitStart = isUnitStart(bytes, packet);
    if (control !== 0x10) {
      if (isDiscontinuity(bytes, packet)) track.discontinuityNext = true;
      if (isRandomAccess(bytes, packet)) track.randomAccessNext = true;
      if (!hasPayload(bytes, packet)) return;
    }
    if (isScrambled(bytes, packet)) {
      this.#oddities.say(
        `${track.class} on PID 0x${track.pid.toString(16)} is encrypted (scrambled): left out`,
      );
      track.gap = (track.gap + 1) & 15;
      track.passing = false;
      track.waiting = undefined;
      return;
    }
    if (unitStart) this.#startUnit(track, bytes, packet);
    else if (track.waiting) this.#judge(track, track.waiting, track.waiting.add(bytes, packet));
    else if (track.passing) {
      track.packetAt = this.#now;
      const gap = track.gap;
      track.gap = 0;
      for (const taker of this.#takers) taker.onPacket(track, bytes, packet, gap);
    }
  }

  #startUnit(track: FeedTrack, bytes: Uint8Array, packet: number): void {
    if (track.waiting) this.#judge(track, track.waiting, track.waiting.judge(true), true);
    track.passing = false;
    const gap = track.gap;
    track.gap = 0;
    const discontinuity = track.discontinuityNext;
    const randomAccess = track.randomAccessNext;
    track.discontinuityNext = false;
    track.randomAccessNext = false;
    const whole = this.#clock.needsWhole(track, this.#program.hasVideo);
    const stamps = whole ? 'short' : readStamps(bytes, packet, 1);
    if (stamps === 'short') {
      track.waiting = new HeldUnit({ whole, randomAccess, discontinuity, gap });
      this.#judge(track, track.waiting, track.waiting.add(bytes, packet));
    } else if (stamps === 'bad') {
      track.gap = gap;
      this.#refuse(track);
    } else this.#begin(track, stamps, bytes, packet, 1, { randomAccess, discontinuity, gap });
  }

  /** What was held may be complete now. `last`: it never will be more. */
  #judge(track: FeedTrack, held: HeldUnit, stamps: PesStamps | 'short' | 'bad', last = false): void {
    if (stamps === 'short' && !last) return;
    track.waiting = undefined;
    if (stamps === 'short' || stamps === 'bad') {
      this.#refuse(track);
      return;
    }
    if (held.whole) {
      const content = soundIn(track.codec, track.descriptors, held.payload(stamps));
      track.content = content.ticks;
      track.held = soundHeldTicks(content);
    }
    this.#begin(track, stamps, held.bytes, 0, held.packets, held);
  }

  #refuse(track: FeedTrack): void {
    track.passing = false;
    this.#oddities.say(
      `${track.class} on PID 0x${track.pid.toString(16)}: units that are no PES packets are left out`,
    );
  }

  #begin(
    track: FeedTrack,
    stamps: PesStamps,
    bytes: Uint8Array,
    at: number,
    packets: number,
    told: { readonly randomAccess: boolean; readonly discontinuity: boolean; readonly gap: number },
  ): void {
    track.units++;
    const time = this.#clock.place(track, stamps, this.#now, told.discontinuity);
    track.packetAt = this.#now;
    track.passing = time !== undefined;
    if (!time) {
      track.gap = told.gap;
      return;
    }
    track.tellsRandomAccess ||= told.randomAccess;
    const randomAccess =
      track.class === 'audio' ||
      told.randomAccess ||
      (track.class === 'video' && !track.tellsRandomAccess && this.#looks(track, bytes, at, packets));
    const unit = { track, ...time, randomAccess, stamps, arrivedAt: this.#now, step: track.step };
    for (const taker of this.#takers) taker.onUnit(unit, bytes, at, packets, told.gap);
  }

  #looks(track: FeedTrack, bytes: Uint8Array, at: number, packets: number): boolean {
    return looksLikeKeyFrame(track.codec, bytes, at, at + packets * PACKET_BYTES);
  }
}
