import type { MediaMs } from './media-time.ts';
import { type SoundChunk, SoundRing } from './sound-ring.ts';

/** Numbers of the playout; the defaults are what the player uses. All in ms. */
export interface PlayoutOptions {
  /** Samples per second of the output. */
  readonly outputRate: number;
  /** The least sound to have in hand at the lowest point. Default 5. */
  readonly leastMarginMs?: number;
  /** Run-outs raise the margin up to this. Default 250. */
  readonly mostMarginMs?: number;
  /** More than this above what is needed is skipped, not played off. Default 1000. */
  readonly skipOverMs?: number;
}

type State =
  /** Before the first sound, and after a long silence: enough is gathered first. */
  | { readonly kind: 'filling' }
  | { readonly kind: 'playing' }
  /** It ran out just now: as soon as there is sound again, it goes on `pauseMs` later. */
  | { readonly kind: 'starved'; pauseMs: number; silentMs: number };

/** What the playout is doing. */
export interface PlayoutReport {
  /** What is handed to the output next; stands still for a moment when the sound runs out, undefined after it. */
  readonly position: MediaMs | undefined;
  readonly isPlaying: boolean;
  readonly bufferedMs: number;
  /** The lowest point that the playout steers for. */
  readonly targetMs: number;
  /** 1 is as recorded. */
  readonly rate: number;
  /** How often the sound ran out, and how much was skipped to come back to live. */
  readonly underruns: number;
  readonly skippedMs: number;
  /** Root mean square of what was handed out since the last report, 0 … 1. */
  readonly level: number;
}

/** The lowest fill is kept for windows of this length, and so many windows are looked at. */
const WINDOW_MS = 250;
const WINDOWS = 6;
/** Fast enough to be back soon, slow enough not to be heard as a wrong note for long. */
const FASTEST = 1.06;
const SLOWEST = 0.97;
/** Within this of the target the rate is 1. */
const DEAD_BAND_MS = 2;
/** An error of so many ms is corrected at a rate of 1 + 1 (before the limits above). */
const STIFFNESS_MS = 500;
/** How much a run-out raises the margin, and how slowly it comes down again. */
const RAISE_MS = 8;
const CALM_MS = 20_000;
const LOWER_MS = 1;
/** Encoders send up to so much sound at once. */
const UNKNOWN_BURST_MS = 400;
/** A longer pause between two arrivals is a stall, and says nothing about how much comes at once. */
const LONGEST_GAP_MS = 400;
/** After so much sound it is known how much comes at once. */
const KNOWN_AFTER_MS = 1_000;
/** For so long after a start, no more than this is kept above what is needed. */
const START_MS = 1_000;
const START_SURPLUS_MS = 100;
/** Without sound for this long, pictures no longer wait for it. */
const GIVE_UP_MS = 500;
const FADE_SAMPLES = 96;

/**
 * Plays sound with the smallest steady buffer: it watches the lowest point of the fill, which is what jitter leaves,
 * and steers that to a few milliseconds by playing a little faster or slower. It knows no clock but the samples that
 * the output takes.
 */
export class Playout {
  readonly #ring = new SoundRing();
  readonly #outputRate: number;
  readonly #leastMargin: number;
  readonly #mostMargin: number;
  readonly #skipOver: number;
  #margin: number;
  #extra = 0;
  #state: State = { kind: 'filling' };
  #rate = 1;
  #gain = 0;
  /** Lowest fill of the current window and of those before, as if the rate had always been what it came to. */
  #low = Number.POSITIVE_INFINITY;
  #lows: number[] = [];
  #windowLeft = WINDOW_MS;
  #calmMs = 0;
  /** Output time since the last chunk, and the longest such pause lately: how much one arrival has to last. */
  #sinceArrival = 0;
  #gap = 0;
  /** Output time since the first chunk ever, and since playing began. */
  #knownMs = 0;
  #sinceStart = 0;
  #underruns = 0;
  #skippedMs = 0;
  #squares = 0;
  #samples = 0;

  constructor(options: PlayoutOptions) {
    this.#outputRate = options.outputRate;
    this.#leastMargin = options.leastMarginMs ?? 5;
    this.#mostMargin = options.mostMarginMs ?? 250;
    this.#skipOver = options.skipOverMs ?? 1000;
    this.#margin = this.#leastMargin;
  }

  /** More sound in hand than jitter asks for, in ms, because the picture comes later than its sound. */
  set extraMs(value: number) {
    this.#extra = Math.max(0, value);
  }

  /** Takes a chunk. It becomes audible as soon as enough is in hand. */
  push(chunk: SoundChunk): void {
    const lengthMs = ((chunk.planes[0]?.length ?? 0) / chunk.sampleRate) * 1000;
    if (this.#sinceArrival <= LONGEST_GAP_MS) this.#gap = Math.max(this.#gap, this.#sinceArrival);
    this.#gap = Math.max(this.#gap, Math.min(lengthMs, LONGEST_GAP_MS));
    this.#sinceArrival = 0;
    this.#ring.write(chunk);
  }

  /** Forgets all sound; the next chunk starts anew. */
  clear(): void {
    this.#ring.clear();
    this.#set({ kind: 'filling' });
  }

  /** Fills both arrays with the next samples, silence where there is none. */
  read(left: Float32Array, right: Float32Array): void {
    const frames = left.length;
    const quantumMs = (frames / this.#outputRate) * 1000;
    this.#sinceArrival += quantumMs;
    let taken = 0;
    // Here, not in push: what comes in one burst is then in hand as a whole.
    this.#begin(quantumMs);
    if (this.#state.kind === 'playing') {
      const step = (this.#ring.sampleRate / this.#outputRate) * this.#rate;
      taken = this.#ring.take(left, right, frames, step);
    }
    this.#shape(left, right, taken);
    if (this.#state.kind !== 'playing') return;
    if (taken < frames) this.#ranOut();
    else this.#steer(quantumMs);
  }

  /** What is going on; resets the level. */
  report(): PlayoutReport {
    const level = this.#samples === 0 ? 0 : Math.sqrt(this.#squares / this.#samples);
    this.#squares = 0;
    this.#samples = 0;
    return {
      position: this.#state.kind === 'filling' ? undefined : this.#ring.position,
      isPlaying: this.#state.kind === 'playing',
      bufferedMs: this.#ring.bufferedMs,
      targetMs: this.#target,
      rate: this.#rate,
      underruns: this.#underruns,
      skippedMs: this.#skippedMs,
      level,
    };
  }

  get #target(): number {
    return this.#margin + this.#extra;
  }

  /** What has to be in hand just after an arrival, so that the target is left just before the next. */
  get #needed(): number {
    return this.#target + this.#gap;
  }

  /** Starts or goes on where it is time to, and skips where far too much is in hand. */
  #begin(quantumMs: number): void {
    const buffered = this.#ring.bufferedMs;
    const state = this.#state;
    switch (state.kind) {
      case 'filling':
        if (buffered < this.#needed) return;
        // Begin at the live end.
        if (buffered > this.#needed + this.#mostSurplus) this.#ring.skip(buffered - this.#needed);
        this.#set({ kind: 'playing' });
        this.#sinceStart = 0;
        break;
      case 'starved':
        state.silentMs += quantumMs;
        if (buffered > quantumMs * 2) state.pauseMs -= quantumMs;
        if (state.pauseMs <= 0) this.#set({ kind: 'playing' });
        else if (state.silentMs > GIVE_UP_MS) this.#set({ kind: 'filling' });
        break;
      case 'playing':
        this.#sinceStart += quantumMs;
        if (buffered > this.#needed + this.#mostSurplus) this.#skipTo(this.#needed);
        break;
    }
    if (buffered > 0) this.#knownMs += quantumMs;
  }

  /** Just after a start little is kept, since old sound may still come in; how much comes at once is known only later. */
  get #mostSurplus(): number {
    if (this.#knownMs < KNOWN_AFTER_MS) return UNKNOWN_BURST_MS;
    return this.#sinceStart < START_MS ? START_SURPLUS_MS : this.#skipOver;
  }

  #set(state: State): void {
    this.#state = state;
    this.#rate = 1;
    this.#forgetLows();
  }

  #ranOut(): void {
    this.#underruns += 1;
    this.#margin = Math.min(this.#mostMargin, this.#margin + RAISE_MS);
    this.#calmMs = 0;
    this.#set({ kind: 'starved', pauseMs: RAISE_MS, silentMs: 0 });
  }

  #skipTo(ms: number): void {
    const surplus = this.#ring.bufferedMs - ms;
    this.#ring.skip(surplus);
    this.#skippedMs += surplus;
    this.#gain = 0;
    this.#forgetLows();
  }

  #forgetLows(): void {
    this.#low = Number.POSITIVE_INFINITY;
    this.#lows = [];
    this.#windowLeft = WINDOW_MS;
  }

  #steer(quantumMs: number): void {
    // What the rate gained since a low was seen has to be taken off it, or the correction would be made twice.
    const gained = (this.#rate - 1) * quantumMs;
    if (gained !== 0) {
      this.#low -= gained;
      for (let i = 0; i < this.#lows.length; i++) this.#lows[i] = (this.#lows[i] as number) - gained;
    }
    this.#low = Math.min(this.#low, this.#ring.bufferedMs);
    this.#windowLeft -= quantumMs;
    if (this.#windowLeft <= 0) {
      this.#lows.push(this.#low);
      if (this.#lows.length > WINDOWS) this.#lows.shift();
      this.#low = Number.POSITIVE_INFINITY;
      this.#windowLeft += WINDOW_MS;
      this.#gap *= 0.99;
    }
    this.#calmMs += quantumMs;
    if (this.#calmMs >= CALM_MS && this.#margin > this.#leastMargin) {
      this.#calmMs -= CALM_MS;
      this.#margin = Math.max(this.#leastMargin, this.#margin - LOWER_MS);
    }
    if (this.#lows.length < 2) return; // too early to know the lowest point
    const error = Math.min(this.#low, ...this.#lows) - this.#target;
    this.#rate =
      Math.abs(error) <= DEAD_BAND_MS ? 1 : Math.min(FASTEST, Math.max(SLOWEST, 1 + error / STIFFNESS_MS));
  }

  /** Fades in what was taken, and out where it ended, so that a start or a run-out is no click. */
  #shape(left: Float32Array, right: Float32Array, taken: number): void {
    const step = 1 / FADE_SAMPLES;
    for (let i = 0; i < left.length; i++) {
      if (i < taken) {
        this.#gain = Math.min(1, this.#gain + step);
      } else {
        this.#gain = Math.max(0, this.#gain - step);
        left[i] = i > 0 ? (left[i - 1] as number) : 0;
        right[i] = i > 0 ? (right[i - 1] as number) : 0;
      }
      const l = i < taken ? (left[i] as number) * this.#gain : (left[i] as number) * (1 - step * 4);
      const r = i < taken ? (right[i] as number) * this.#gain : (right[i] as number) * (1 - step * 4);
      left[i] = l;
      right[i] = r;
      this.#squares += (l * l + r * r) / 2;
    }
    this.#samples += left.length;
  }
}
