import { type Millis, millis } from '@perch/runtime';
import { type MediaMs, mediaMs } from './media-time.ts';

/** A frame this near to the newest that arrived is live. */
const LIVE_MS = 70;
/** One this far behind is not, whatever the decoder's own delay. */
const BACKLOG_MS = 600;
/** A decoder's own delay is recognised by so many frames that come no nearer. */
const STEADY_FRAMES = 3;
/** Media that arrives this much faster than it plays is a burst out of a cache. */
const LEAD_MS = 15;
/** A burst whose end nobody marks is over after this much quiet. */
const QUIET_MS = 40;
/** A marked start group whose live part does not follow is shown after this. */
const REPLAY_QUIET_MS = 250;
/** A decoder that never gets to the live end still shows a frame this often, and the first after this. */
const SLOW_MS = 250;
const SLOW_FIRST_MS = 1000;
/** Decoding times never go back, but for rounding: where they do, the source began anew. */
const STEP_BACK_MS = 5;

interface Behind {
  since: Millis | undefined;
  /** The least distance so far, and how many frames in a row did not lessen it. */
  least: number;
  steady: number;
}

const notYet = (): Behind => ({ since: undefined, least: Number.POSITIVE_INFINITY, steady: 0 });

const NEVER = mediaMs(Number.NEGATIVE_INFINITY);

/**
 * Says which decoded frames are worth showing. A new viewer first gets the frames since the last key frame, all at
 * once: they have to be decoded, but showing them would show the past. Where the sender marks them (`perch.1`) that
 * is known; else a burst is recognised by media arriving faster than it plays.
 */
export class CatchUp {
  #newest = NEVER;
  #newestDts = NEVER;
  #burst: { readonly marked: boolean; lastAt: Millis } | undefined;
  /** Presentation time less arrival time, as it was when the burst last grew. */
  #lead = NEVER;
  /** Frames are held back until they come near to the newest, or come no nearer. */
  #behind: Behind | undefined = notYet();
  #first = true;

  /** An access unit went to the decoder at `now`. `replay`: the sender says that it comes from a cache. */
  fed(time: { readonly pts: MediaMs; readonly dts: MediaMs }, now: Millis, replay: boolean): void {
    const begins = this.#newest === NEVER;
    if (time.dts < this.#newestDts - STEP_BACK_MS) this.#beginAnew();
    this.#newestDts = time.dts;
    const lead = mediaMs(time.dts - now);
    const grew = lead > this.#lead + LEAD_MS;
    if (grew) this.#lead = lead;
    if (replay) this.#burst = { marked: true, lastAt: now };
    else if (this.#burst?.marked) this.#burst = undefined;
    else if (begins || (this.#burst && grew)) this.#burst = { marked: false, lastAt: now };
    if (time.pts > this.#newest) this.#newest = time.pts;
  }

  /** Whether a burst is still coming in at `now`: its pictures are not to be shown, its sound not to be heard. */
  isBurst(now: Millis): boolean {
    if (!this.#burst) return false;
    if (now - this.#burst.lastAt < (this.#burst.marked ? REPLAY_QUIET_MS : QUIET_MS)) return true;
    this.#burst = undefined;
    return false;
  }

  /** Whether a frame that left the decoder is to be shown at `now`. Where not, ask again after {@link retryIn}. */
  allows(pts: MediaMs, now: Millis): boolean {
    if (this.isBurst(now)) {
      this.#behind = notYet();
      return false;
    }
    const distance = this.#newest - pts;
    if (distance > BACKLOG_MS) this.#behind ??= notYet();
    if (this.#behind && !this.#isThere(this.#behind, distance, now)) return false;
    this.#behind = undefined;
    this.#first = false;
    return true;
  }

  /** Another source goes on where this one was: what is on screen stays, and its first picture is shown at once. */
  #beginAnew(): void {
    this.#newest = NEVER;
    this.#lead = NEVER;
    this.#burst = undefined;
    this.#behind = undefined;
  }

  #isThere(behind: Behind, distance: number, now: Millis): boolean {
    behind.since ??= now;
    behind.steady = distance < behind.least ? 0 : behind.steady + 1;
    behind.least = Math.min(behind.least, distance);
    return (
      distance <= LIVE_MS ||
      (behind.steady >= STEADY_FRAMES && distance <= BACKLOG_MS) ||
      now - behind.since >= (this.#first ? SLOW_FIRST_MS : SLOW_MS)
    );
  }

  /** When a frame that was held back may be allowed without anything new arriving. */
  get retryIn(): Millis {
    return millis(QUIET_MS);
  }
}
