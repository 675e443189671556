import type { Combiner, MessageMark, TimedFeed } from '@perch/mpegts';
import type { Clock, Millis } from '@perch/runtime';
import { Meter } from '../ingest/meter.ts';
import type { StreamRule } from '../rules/rule.ts';
import { Chooser, type Pressure } from './chooser.ts';
import type { Combining } from './combining.ts';
import type { Intake } from './intake.ts';

/** How often the way out is looked at, where there is something to choose. */
const LOOK_MS = 500;

export interface StreamOptions {
  readonly rule: StreamRule;
  readonly combining: Combining;
  readonly clock: Pick<Clock, 'now'>;
  /** What is known of a feed; undefined before it ever came. */
  readonly intakeOf: (feed: string) => Intake | undefined;
  /** How the way out stands. */
  readonly pressure: () => Pressure | undefined;
  readonly onMessage: (bytes: Uint8Array, mark: MessageMark) => void;
}

/**
 * One `stream/…` rule at work: its feeds in one program while somebody takes it. A changed rule changes what the
 * running program holds. `close` ends it.
 */
export class Stream {
  /** What went out. */
  readonly meter = new Meter();
  readonly #options: StreamOptions;
  #rule: StreamRule;
  #chooser: Chooser | undefined;
  /** Which alternative is on. */
  #on = 0;
  #combiner: Combiner | undefined;
  /** What the combiner was given last. */
  #given: readonly TimedFeed[] = [];
  #carriesMedia = false;
  #isTaken = false;
  #lookedAt: Millis | undefined;

  constructor(options: StreamOptions) {
    this.#options = options;
    this.#rule = options.rule;
    this.#chooser = chooserFor(options.rule);
  }

  get rule(): StreamRule {
    return this.#rule;
  }

  /** Each feed that the rule names, once. */
  get names(): ReadonlySet<string> {
    return namesIn(this.#rule);
  }

  /** The feeds that are on now. */
  get feeds(): readonly string[] {
    return this.#rule.alternatives?.[this.#on] ?? this.#rule.feeds ?? [];
  }

  /** Which alternative is on, where there are some. */
  get alternative(): number | undefined {
    return this.#chooser && this.#on;
  }

  /**
   * Whether one of its feeds ever carried a transport stream: from then on everything in it does, and other messages
   * become data in it. Until then they pass as they are.
   */
  get carriesMedia(): boolean {
    return this.#carriesMedia;
  }

  /** Whether it does anything. */
  get isRunning(): boolean {
    return this.#combiner !== undefined;
  }

  /** The running program. */
  get combiner(): Combiner | undefined {
    return this.#combiner;
  }

  /** The rule that holds from now on. */
  setRule(rule: StreamRule, now: Millis): void {
    const isSame = JSON.stringify(rule.alternatives) === JSON.stringify(this.#rule.alternatives);
    this.#rule = rule;
    if (!isSame || !rule.alternatives) {
      this.#chooser = chooserFor(rule);
      this.#on = 0;
    }
    this.refresh(now);
  }

  /** Somebody takes it from now on, or nobody does. */
  setTaken(isTaken: boolean, now: Millis): void {
    this.#isTaken = isTaken;
    this.refresh(now);
  }

  /** Looks at its feeds again: one has come, or begins to carry a transport stream. */
  refresh(now: Millis): void {
    this.#carriesMedia ||= [...this.names].some((name) => this.#options.intakeOf(name)?.isMedia);
    if (!this.#isTaken || !this.#carriesMedia) {
      this.#combiner?.close();
      this.#combiner = undefined;
      return;
    }
    if (!this.#combiner) {
      const { combining, clock, onMessage } = this.#options;
      this.#combiner = combining.makeCombiner({
        onMessage: (bytes, mark) => {
          this.meter.add(bytes.byteLength, clock.now());
          onMessage(bytes, mark);
        },
      });
      this.#given = [];
    }
    this.#apply(now);
  }

  /** To be called every 20 ms or so while it runs. */
  tick(now: Millis): void {
    if (this.#chooser) this.#look(this.#chooser, now);
    this.#combiner?.tick(now);
  }

  /** Idempotent. */
  close(): void {
    this.#combiner?.close();
    this.#combiner = undefined;
  }

  #look(chooser: Chooser, now: Millis): void {
    if (this.#lookedAt !== undefined && now - this.#lookedAt < LOOK_MS) return;
    this.#lookedAt = now;
    const on = this.#nearestLive(chooser.look(this.#options.pressure(), now), now);
    if (on === this.#on) return;
    this.#on = on;
    this.#apply(now);
  }

  /** The chosen alternative, or where a feed of its own is missing the next that is whole: worse ones first. */
  #nearestLive(chosen: number, now: Millis): number {
    const { alternatives = [] } = this.#rule;
    const isShared = (name: string) => alternatives.every((list) => list.includes(name));
    const isLive = (list: readonly string[]) =>
      list.every((name) => isShared(name) || this.#options.intakeOf(name)?.isLive(now));
    const worse = alternatives.findIndex((list, i) => i >= chosen && isLive(list));
    if (worse >= 0) return worse;
    const better = alternatives.findLastIndex((list, i) => i < chosen && isLive(list));
    return better >= 0 ? better : this.#on;
  }

  #apply(now: Millis): void {
    const intakes = [...new Set(this.feeds)].map((name) => this.#options.intakeOf(name));
    const feeds = intakes.flatMap((intake) => (intake ? [intake.feed] : []));
    if (feeds.length === this.#given.length && feeds.every((feed, i) => feed === this.#given[i])) return;
    this.#given = feeds;
    this.#combiner?.setFeeds(feeds, now, { keepUntilReady: this.#chooser !== undefined });
  }
}

/** Each feed that a rule names, once. */
export function namesIn({ feeds, alternatives = [] }: StreamRule): ReadonlySet<string> {
  return new Set([...(feeds ?? []), ...alternatives.flat()]);
}

const chooserFor = ({ alternatives }: StreamRule): Chooser | undefined =>
  alternatives && new Chooser(alternatives.length);
