import type { FeedTrack } from '../combine/feed-track.ts';
import type { Oddities } from '../combine/oddities.ts';
import type { PesStamps } from '../combine/pes-stamps.ts';
import { type Ticks90k, ticks90k } from '../time.ts';
import { Anchor } from './anchor.ts';
import { distance, Epoch, isJump } from './epoch.ts';

const SECOND = 90_000;
/** A picture is never shown so much after it is decoded. */
const MOST_REORDER = 10 * SECOND;
/** An anchor track that is silent for so long gives its place away. */
const SILENT = 5 * SECOND;
/**
 * So much overlap of sound is normal; what overlaps more at an encoder's begin is left out, up to a second in all. No more
 * than a frame lasts: the first frame of a unit is to be later than the last one of the unit before.
 */
const OVERLAP = 0.02 * SECOND;
const MOST_OVERLAPPED = SECOND;

/** How late an encoder's first units may be without disturbing those after them. Of sound, what overlaps is left out. */
const HEAD_START = { video: 0.025 * SECOND, audio: 0.02 * SECOND, data: 0 } as const;

const rank = { video: 2, audio: 1, data: 0 } as const;

/** When a unit is due, on the agent's clock. */
export interface UnitTime {
  readonly dts: Ticks90k;
  readonly pts: Ticks90k;
}

/**
 * Puts the units of one feed on the agent's clock. All tracks of one run of the encoder's clock share one offset, so that
 * sound and picture of one encoder keep their distance exactly. The offset is found from one of them.
 *
 * Pictures: none leaves an encoder before it was taken, and some leave at once, also where others wait to be reordered.
 * So it is the smallest delay after the PTS. An encoder that gives all pictures the same PTS − DTS does not reorder, it
 * holds each back so long (ffmpeg's MPEG-1 and MPEG-2 encoders one picture); that is known and taken off.
 *
 * Sound without pictures: the end of what a PES packet holds, since muxers collect sound for up to 350 ms.
 */
export class FeedClock {
  /** How often the time stamps began anew. */
  restarts = 0;
  #delay: number;
  readonly #oddities: Oddities;
  /** The newest run of the encoder's clock, and the track that it is anchored on. */
  #epoch: Epoch | undefined;
  #anchorTrack: FeedTrack | undefined;
  #begun = false;

  /** `delayMs`: what the encoder holds its units back beyond what is known of it. */
  constructor(delayMs: number, oddities: Oddities) {
    this.#delay = delayMs * 90;
    this.#oddities = oddities;
  }

  /** What the encoder holds its units back, in milliseconds. A change moves all units from the next on. */
  get delayMs(): number {
    return this.#delay / 90;
  }

  set delayMs(delayMs: number) {
    this.#delay = delayMs * 90;
  }

  /** What is added to the feed's time stamps to get the agent's time, in milliseconds; undefined before it is known. */
  get offsetMs(): number | undefined {
    return this.#epoch?.anchor.set ? this.#epoch.anchor.offset / 90 : undefined;
  }

  /** How much faster than the agent's the encoder's clock runs. */
  get driftPpm(): number {
    return this.#epoch?.anchor.driftPpm ?? 0;
  }

  /** Whether a first unit of sound has to be seen as a whole, so that the anchor is right from the begin. */
  needsWhole(track: FeedTrack, hasVideo: boolean): boolean {
    return track.class === 'audio' && !hasVideo && !this.#epoch?.anchor.set;
  }

  /** The encoder has gone: the next unit begins a new run. */
  interrupt(): void {
    this.#epoch = undefined;
    this.#anchorTrack = undefined;
  }

  /** A track is no longer there. */
  forget(track: FeedTrack): void {
    if (this.#anchorTrack === track) this.#anchorTrack = undefined;
  }

  /**
   * The time of a unit that begins at `now`; undefined where it should be left out. `announced`: discontinuity_indicator
   * was there.
   */
  place(track: FeedTrack, stamps: PesStamps, now: Ticks90k, announced: boolean): UnitTime | undefined {
    const raw = stamps.dts ?? (stamps.flags === 2 ? stamps.pts : undefined);
    const before = track.ticks;
    const known = track.epoch;
    if (raw === undefined || !this.#follow(track, raw, now, announced)) return this.#guess(track, now);
    const epoch = track.epoch as Epoch;
    const step = known === epoch ? track.ticks - before : 0;
    if (track.soundUntil !== undefined && known !== epoch) track.soundUntil = undefined;
    this.#sample(track, epoch, stamps, now, step);
    const due = track.ticks + epoch.anchor.offset - this.#delay;
    if (track.class === 'audio' && !this.#keepsSound(track, epoch, due, now, step)) return undefined;
    const dts = this.#rise(track, due);
    return { dts, pts: ticks90k(dts + reorderOf(stamps)) };
  }

  /** Moves the track on to a time stamp; false if it cannot be used. */
  #follow(track: FeedTrack, raw: number, now: Ticks90k, announced: boolean): boolean {
    if (track.epoch) {
      const step = distance(track.ticks, raw);
      if (!isJump(step, now - track.arrivedAt, announced)) {
        if (step <= 0) {
          this.#oddities.say(oddTimes(track));
          return false;
        }
        this.#move(track, ticks90k(track.ticks + step), now);
        track.step = step;
        return true;
      }
    }
    const newest = this.#epoch;
    if (newest && newest !== track.epoch && newest.fits(raw, now)) track.epoch = newest;
    else {
      if (this.#begun) this.restarts++;
      this.#begun = true;
      track.epoch = new Epoch(raw, now);
      if (track.class !== 'audio') track.held = Number.POSITIVE_INFINITY;
      this.#epoch = track.epoch;
      this.#anchorTrack = undefined;
    }
    this.#move(track, track.epoch.near(raw), now);
    return true;
  }

  #move(track: FeedTrack, ticks: Ticks90k, now: Ticks90k): void {
    track.ticks = ticks;
    track.arrivedAt = now;
    track.epoch?.advance(ticks, now);
  }

  #sample(track: FeedTrack, epoch: Epoch, stamps: PesStamps, now: Ticks90k, step: number): void {
    if (epoch !== this.#epoch) return;
    const anchor = this.#anchorTrack;
    if (anchor !== track) {
      const better = !anchor || rank[track.class] > rank[anchor.class] || now - anchor.arrivedAt > SILENT;
      if (!better) return;
      // Another kind of track has another kind of delay.
      this.#anchorTrack = track;
      epoch.anchor = new Anchor(HEAD_START[track.class]);
    }
    const jumped =
      track.class === 'audio'
        ? this.#sampleSound(track, epoch, now, step)
        : this.#samplePicture(track, epoch, stamps, now, step);
    if (jumped) this.#oddities.say(`${nameOf(track)}: its time stamps do not keep pace with real time`);
  }

  #samplePicture(track: FeedTrack, epoch: Epoch, stamps: PesStamps, now: Ticks90k, step: number): boolean {
    const reorder = reorderOf(stamps);
    if (track.held === Number.POSITIVE_INFINITY) track.held = reorder;
    else if (track.held !== reorder) track.held = 0;
    return epoch.anchor.sample(now, now - track.ticks - reorder, step, track.held);
  }

  /** The unit before ended where this one begins, and came with its last packet. */
  #sampleSound(track: FeedTrack, epoch: Epoch, now: Ticks90k, step: number): boolean {
    const { ticks, content, packetAt } = track;
    const held = Number.isFinite(track.held) ? track.held : 0;
    if (epoch.anchor.set && step > 0) return epoch.anchor.sample(packetAt, packetAt - ticks, step, held);
    return epoch.anchor.sample(now, now - ticks - content, step, held);
  }

  /** Sound that came in a burst, as at an encoder's begin, would overlap. Better a clean begin a little later. */
  #keepsSound(track: FeedTrack, epoch: Epoch, due: number, now: Ticks90k, step: number): boolean {
    if (track.soundUntil === undefined) track.soundUntil = track.out;
    if (step <= 0 || track.out === undefined || track.soundUntil === undefined) return true;
    if (!track.leftOut) track.soundUntil = ticks90k(track.out + step);
    track.leftOut =
      epoch.anchor.settling(now) &&
      due < track.soundUntil - OVERLAP &&
      track.overlapped + step <= MOST_OVERLAPPED;
    if (track.leftOut) track.overlapped += step;
    return !track.leftOut;
  }

  /** Without a usable time stamp: one step on, as long as that is near to now. */
  #guess(track: FeedTrack, now: Ticks90k): UnitTime {
    const arrived = now - this.#delay;
    const next = track.out === undefined ? arrived : track.out + track.step;
    const dts = this.#rise(track, Math.abs(next - arrived) > SECOND ? arrived : next);
    return { dts, pts: dts };
  }

  #rise(track: FeedTrack, due: number): Ticks90k {
    const rounded = Math.round(due);
    const dts = track.out !== undefined && rounded <= track.out ? track.out + 1 : rounded;
    track.out = ticks90k(dts);
    return track.out;
  }
}

/** PTS − DTS; 0 where it cannot be. */
function reorderOf({ pts, dts }: PesStamps): number {
  if (pts === undefined || dts === undefined) return 0;
  const reorder = distance(dts, pts);
  return reorder >= 0 && reorder <= MOST_REORDER ? reorder : 0;
}

const nameOf = (track: FeedTrack): string => `${track.class} on PID 0x${track.pid.toString(16)}`;

const oddTimes = (track: FeedTrack): string =>
  `${nameOf(track)}: time stamps stand still or run backwards; the arrival counts in their place`;
