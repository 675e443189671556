import { mkdir, rm } from 'node:fs/promises';
import type { Batch, Taker } from '@perch/hub';
import type { Trigger } from '@perch/protocol';
import { type Clock, type Logger, type Millis, millis, type Timer } from '@perch/runtime';
import type { Switchboard } from '../ingest/switchboard.ts';
import type { MotionRule } from '../rules/motion-rule.ts';
import type { Spool } from '../spool/index.ts';
import { Decoder } from './decoder.ts';
import { Detector } from './detector.ts';
import { Film } from './film.ts';
import { Filming } from './filming.ts';
import { motionLimits } from './limits.ts';
import { type Group, Ring } from './ring.ts';
import type { Stretch } from './segment.ts';

/** What there is to know of a feed that is watched. */
export interface WatchState {
  readonly isOn: true;
  readonly isFilming: boolean;
  readonly sensitivity: number;
  /** How much moves now, as a share of what counts as motion: from 1 it does. */
  readonly level: number;
  /** When something moved last; ms since 1970. */
  readonly lastMotion: number | null;
  /** What is in the way of seeing motion, in words. */
  readonly trouble: string | null;
}

export interface WatchOptions {
  readonly rule: MotionRule;
  /** What carries the feed as a combined stream: tables before each random access point, stamps on the agent's clock. */
  readonly topic: string;
  readonly switchboard: Switchboard;
  readonly spool: Spool;
  /** Where films are written before the spool has them. */
  readonly directory: string;
  /** A camera that is disarmed does not film by itself. */
  readonly isDisarmed: () => boolean;
  /** Default: ffmpeg. */
  readonly decoder?: readonly string[];
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Why something is filmed; at most one film of each at a time. */
type Cause = Extract<Trigger, 'pir' | 'cap'>;

/**
 * Watches one feed: keeps its last seconds, looks whether something moves in it, and films that. The detector is local
 * and alone in wanting the feed: for it nothing leaves the device. From `new` until `close`.
 */
export class Watch implements Taker, AsyncDisposable {
  readonly #options: WatchOptions;
  readonly #ring: Ring;
  readonly #decoder: Decoder;
  readonly #leave: Disposable;
  readonly #sweep: Timer;
  readonly #filming = new Map<Cause, Filming>();
  readonly #writing = new Set<Promise<void>>();
  #rule: MotionRule;
  #detector: Detector;
  /** When the feed was heard first, since it was silent, and last. */
  #heardFrom: Millis | undefined;
  #heardAt: Millis | undefined;
  /** When the picture was taken that was decoded last. */
  #seenTo: Millis;
  #level = 0;
  #lastMotion: { readonly at: Millis; readonly wall: Millis } | undefined;
  /** Up to here the feed was filmed because of motion. */
  #filmedTo = Number.NEGATIVE_INFINITY;

  constructor(options: WatchOptions) {
    const { rule, topic, switchboard, decoder, clock, logger } = options;
    this.#options = options;
    this.#rule = rule;
    this.#detector = new Detector(rule);
    this.#seenTo = clock.now();
    const span = millis(rule.beforeMs + motionLimits.ringMargin);
    this.#ring = new Ring({ span, mostBytes: motionLimits.ringBytes });
    this.#decoder = new Decoder({
      feed: rule.feed,
      onPicture: (pixels, pts) => this.#look(pixels, this.#timeOf(pts)),
      ...(decoder && { command: decoder }),
      clock,
      logger,
    });
    this.#leave = switchboard.join(topic, this);
    this.#sweep = clock.every(motionLimits.silence, () => this.#lookWhetherItIsGone());
  }

  get rule(): MotionRule {
    return this.#rule;
  }

  get state(): WatchState {
    return {
      isOn: true,
      isFilming: this.#filming.size > 0,
      sensitivity: this.#rule.sensitivity,
      level: Math.round(this.#level * 100) / 100,
      lastMotion: this.#lastMotion ? Math.round(this.#lastMotion.wall) : null,
      trouble: this.#trouble(),
    };
  }

  #trouble(): string | null {
    const { state } = this.#decoder;
    if (state.kind === 'waiting') return state.error;
    const from = this.#heardFrom;
    if (from === undefined || this.#ring.groups.length > 0) return null;
    if (this.#options.clock.now() - from < motionLimits.keyWait) return null;
    return 'no key picture comes: the feed has no picture, or its encoder does not mark where a decoder can begin';
  }

  /** Figures for people who look for a fault. Times in ms, sizes in bytes. */
  dump() {
    const { state, restarts, dropped } = this.#decoder;
    const behindMs = this.#options.clock.now() - this.#seenTo;
    const { bytes, leftOut, groups } = this.#ring;
    return {
      decoder: { state: state.kind, restarts, dropped, behindMs },
      ring: { bytes, groups: groups.length, leftOut },
    };
  }

  /** Another sensitivity, or other zones: the detector begins anew, what is filmed goes on. */
  setRule(rule: MotionRule): void {
    this.#rule = rule;
    this.#detector = new Detector(rule);
  }

  /** Films from some seconds ago until some seconds from now. @returns whether there is anything to film. */
  film(): boolean {
    const { clock } = this.#options;
    if (this.#heardAt === undefined || this.#ring.groups.length === 0) return false;
    this.#film('cap', clock.now(), clock.wall());
    return true;
  }

  /** The camera was disarmed: what is filmed because of motion is over. */
  disarm(): void {
    this.#end('pir');
  }

  take({ messages }: Batch): void {
    const now = this.#options.clock.now();
    for (const { bytes, text, mark } of messages) {
      if (text) continue;
      const begins = mark.randomAccess && mark.class === 'video';
      this.#heardFrom ??= now;
      this.#heardAt = now;
      const whole = this.#ring.add(bytes, begins, now);
      if (whole) this.#offer(whole);
      this.#decoder.push(bytes, begins);
    }
  }

  /** Films end with what there is. Resolves when they are in the spool and the decoder is gone. Idempotent. */
  async close(): Promise<void> {
    this.#leave[Symbol.dispose]();
    this.#sweep.cancel();
    this.#endAll();
    await this.#decoder.close();
    await Promise.all(this.#writing);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** A combined stream's stamps are the agent's clock, modulo 2^33 ticks of 90 kHz. */
  #timeOf(pts: number): Millis {
    const now = this.#options.clock.now();
    const ahead = (((pts - now * 90) % WRAP) + WRAP) % WRAP;
    return millis(now + (ahead > WRAP / 2 ? ahead - WRAP : ahead) / 90);
  }

  #look(pixels: Uint8Array, at: Millis): void {
    this.#seenTo = at;
    const { level, isMotion } = this.#detector.look({ pixels, at });
    this.#level = level;
    if (!isMotion) return;
    const { clock, isDisarmed } = this.#options;
    const wall = millis(clock.wall() - clock.now() + at);
    this.#lastMotion = { at, wall };
    if (!isDisarmed()) this.#film('pir', at, wall);
  }

  /** Something is to be filmed: the film that is on goes on, or one begins. */
  #film(cause: Cause, at: Millis, wall: Millis): void {
    const until = millis(at + this.#rule.afterMs);
    const filming = this.#filming.get(cause);
    if (filming) {
      filming.extend(until);
      return;
    }
    const from = cause === 'pir' ? this.#filmedTo : Number.NEGATIVE_INFINITY;
    const groups = this.#ring.groups.filter(({ begin }) => begin >= from);
    const first = groups.findLastIndex(({ begin }) => begin <= at - this.#rule.beforeMs);
    const filmed = groups.slice(Math.max(0, first));
    this.#begin(cause, wall, until, this.#before(filmed[0]));
    for (const group of filmed) if (group.end !== undefined) this.#offerTo(cause, group);
  }

  /** @param before the group before the film's first, of which it may hold some sound. */
  #begin(cause: Cause, wall: Millis, until: Millis, before: Group | undefined): void {
    const { spool, directory, logger } = this.#options;
    const { feed, mostMs } = this.#rule;
    const film = new Film({
      ...{ spool, directory, logger },
      trigger: cause,
      timestamp: Math.floor(wall / 1_000),
    });
    const why = cause === 'pir' ? 'something moves' : 'it was asked for';
    logger.info('motion: a film begins', { feed, capture: film.name.id, why });
    const end = () => {
      const { segments } = film;
      logger.info('motion: a film is over', { feed, capture: film.name.id, segments });
      const written: Promise<void> = film.end().finally(() => this.#writing.delete(written));
      this.#writing.add(written);
    };
    const sink = { segment: (stretch: Stretch) => film.segment(stretch), end };
    this.#filming.set(cause, new Filming({ film: sink, until, most: millis(mostMs), before }));
  }

  /** The group before this one, in the same stream. */
  #before(group: Group | undefined): Group | undefined {
    const before = this.#ring.groups.find(({ end }) => end !== undefined && end === group?.begin);
    return before?.tables === group?.tables ? before : undefined;
  }

  /** A group is whole: each film takes it that wants it. */
  #offer(group: Group): void {
    for (const cause of [...this.#filming.keys()]) this.#offerTo(cause, group);
  }

  #offerTo(cause: Cause, group: Group): void {
    const filming = this.#filming.get(cause);
    if (!filming) return;
    const taken = filming.take(group);
    if (taken === 'taken') {
      if (cause === 'pir') this.#filmedTo = group.end ?? this.#filmedTo;
      return;
    }
    this.#filming.delete(cause);
    if (taken === 'over' || cause === 'cap') return;
    // Long enough, and still something moves: the next film goes on where this one ends.
    const { clock } = this.#options;
    this.#begin(cause, millis(clock.wall() - clock.now() + group.begin), filming.until, this.#before(group));
    this.#offerTo(cause, group);
  }

  #end(cause: Cause): void {
    const filming = this.#filming.get(cause);
    this.#filming.delete(cause);
    filming?.end();
  }

  #endAll(): void {
    const last = this.#ring.end(this.#options.clock.now());
    if (last) this.#offer(last);
    for (const cause of [...this.#filming.keys()]) this.#end(cause);
  }

  /** Films of a feed that is gone are over; one that comes back is seen anew. */
  #lookWhetherItIsGone(): void {
    const { clock } = this.#options;
    if (this.#heardAt === undefined || clock.now() - this.#heardAt < motionLimits.silence) return;
    this.#heardFrom = undefined;
    this.#heardAt = undefined;
    this.#endAll();
    this.#level = 0;
    this.#decoder.rest();
  }
}

/** Time stamps have 33 bits. */
const WRAP = 2 ** 33;

/** An empty directory for films that are being written: what a crash left in it is of no use. */
export async function emptyDirectory(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true });
  await mkdir(path, { recursive: true, mode: 0o700 });
}
