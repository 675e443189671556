import type { HubMark, HubMessage } from '@perch/hub';
import { type Clock, type Millis, millis, type Timer } from '@perch/runtime';
import type { FeedInput, FeedSink, Switchboard } from '../ingest/switchboard.ts';
import type { RuleSet } from '../rules/file.ts';
import { isStream, type StreamRule } from '../rules/rule.ts';
import type { Pressure } from './chooser.ts';
import type { Combining } from './combining.ts';
import { Intake } from './intake.ts';
import { Stream } from './stream.ts';

/** How often running streams get the time: tables, clock references and held units go out by it. */
const TICK = millis(20);

export interface StreamsOptions {
  readonly switchboard: Switchboard;
  readonly clock: Clock;
  readonly combining: Combining;
  /** How the way out of a stream stands; undefined while it is sent nowhere. */
  readonly pressure: (stream: string) => Pressure | undefined;
}

/**
 * All `stream/…` rules at work. A feed that a rule names is read once for all streams that it is in, and its clock
 * stays warm while it is muted; a stream that nobody takes costs nothing.
 */
export class Streams implements FeedSink {
  readonly #options: StreamsOptions;
  readonly #byName = new Map<string, Stream>();
  /** By feed: the streams whose rules name it. */
  #naming: ReadonlyMap<string, Stream[]> = new Map();
  /** Feeds that came since a rule named them: as long as one does, or somebody publishes. */
  readonly #intakes = new Map<string, Intake>();
  #rules: Pick<RuleSet, 'streams' | 'feeds'> = { streams: new Map(), feeds: new Map() };
  readonly #handles: readonly Disposable[];
  #timer: Timer | undefined;

  constructor(options: StreamsOptions) {
    this.#options = options;
    const { switchboard } = options;
    this.#handles = [
      switchboard.feed(this),
      switchboard.events.on('takers', (topic) => this.#onTakers(topic)),
    ];
  }

  /** The stream of this name, if a rule makes it. */
  get(name: string): Stream | undefined {
    return this.#byName.get(name);
  }

  /** What is known of a feed that a rule names. */
  intake(feed: string): Intake | undefined {
    return this.#intakes.get(feed);
  }

  /** The rules that hold from now on. Streams whose rules did not change notice nothing. */
  setRules(rules: Pick<RuleSet, 'streams' | 'feeds'>): void {
    const before = this.#rules;
    this.#rules = rules;
    if (rules.feeds !== before.feeds) this.#setDelays();
    if (rules.streams !== before.streams) this.#setStreams();
  }

  message(feed: string, input: FeedInput, { bytes, text }: HubMessage, from: unknown): void {
    const naming = this.#naming.get(feed);
    if (!naming && !this.#intakes.has(feed)) return;
    const intake = this.#intakes.get(feed) ?? this.#welcome(feed);
    const origin = { publisher: input, from, isFar: input.isFar };
    if (!text) intake.push(origin, bytes, this.#now());
    else {
      intake.meet(origin);
      this.#pass(intake, bytes, true, from);
    }
  }

  ended(feed: string, input: FeedInput): void {
    this.#intakes.get(feed)?.end(input, this.#now());
    this.#forgetIdle(feed);
  }

  /** Ends all streams. Idempotent. */
  close(): void {
    for (const handle of this.#handles) handle[Symbol.dispose]();
    for (const stream of this.#byName.values()) stream.close();
    this.#byName.clear();
    this.#keepTime();
  }

  #now(): Millis {
    return this.#options.clock.now();
  }

  #setStreams(): void {
    const now = this.#now();
    const { streams } = this.#rules;
    for (const [name, stream] of this.#byName) {
      if (streams.has(name)) continue;
      stream.close();
      this.#byName.delete(name);
    }
    for (const [name, rule] of streams) {
      if (!isStream(name)) continue;
      const stream = this.#byName.get(name);
      if (!stream) this.#byName.set(name, this.#make(rule));
      else if (stream.rule !== rule) stream.setRule(rule, now);
    }
    const naming = new Map<string, Stream[]>();
    for (const stream of this.#byName.values()) {
      for (const feed of stream.names) {
        const others = naming.get(feed);
        if (others) others.push(stream);
        else naming.set(feed, [stream]);
      }
    }
    this.#naming = naming;
    for (const feed of this.#intakes.keys()) this.#forgetIdle(feed);
    this.#keepTime();
  }

  #make(rule: StreamRule): Stream {
    const { switchboard, combining, pressure, clock } = this.#options;
    const stream = new Stream({
      rule,
      combining,
      clock,
      intakeOf: (feed) => this.#intakes.get(feed),
      pressure: () => pressure(rule.stream),
      onMessage: (bytes, mark) =>
        switchboard.publish(rule.stream, {
          bytes,
          text: false,
          mark: { ...mark, capturedAt: clock.wall() * 1000 },
        }),
    });
    stream.setTaken(switchboard.takers(rule.stream) > 0, this.#now());
    return stream;
  }

  #welcome(feed: string): Intake {
    const { combining } = this.#options;
    const intake: Intake = new Intake({
      feed: combining.makeFeed({ name: feed, delayMs: this.#rules.feeds.get(feed)?.delayMs ?? 0 }),
      onMedia: () => this.#refresh(feed),
      onForeign: (bytes, from) => this.#pass(intake, bytes, false, from),
    });
    this.#intakes.set(feed, intake);
    this.#refresh(feed);
    return intake;
  }

  /** Something about this feed is new. */
  #refresh(feed: string): void {
    for (const stream of this.#naming.get(feed) ?? []) stream.refresh(this.#now());
    this.#keepTime();
  }

  /** What is no transport stream becomes data in streams that are, and passes as it is where there is none. */
  #pass(intake: Intake, bytes: Uint8Array, text: boolean, from: unknown): void {
    const { switchboard, clock } = this.#options;
    let isData = false;
    for (const stream of this.#naming.get(intake.feed.name) ?? []) {
      if (stream.carriesMedia) isData = true;
      else if (stream.feeds.includes(intake.feed.name))
        switchboard.publish(stream.rule.stream, { bytes, text, mark: foreignMark(clock.wall()) }, from);
    }
    if (isData) intake.pushData(bytes, this.#now());
  }

  #setDelays(): void {
    for (const [feed, intake] of this.#intakes) {
      intake.feed.delayMs = this.#rules.feeds.get(feed)?.delayMs ?? 0;
    }
  }

  #onTakers(topic: string): void {
    const stream = this.#byName.get(topic);
    // Whoever left may be on the way to another destination: the next tick sees whether nobody is left.
    if (!stream || this.#options.switchboard.takers(topic) === 0) return;
    stream.setTaken(true, this.#now());
    this.#keepTime();
  }

  #tick(): void {
    const now = this.#now();
    for (const [name, stream] of this.#byName) {
      if (!stream.isRunning) continue;
      if (this.#options.switchboard.takers(name) > 0) stream.tick(now);
      else stream.setTaken(false, now);
    }
    this.#keepTime();
  }

  /** What no rule names and nobody publishes is forgotten, so that there are never more than those. */
  #forgetIdle(feed: string): void {
    const isIdle = this.#intakes.get(feed)?.publishers === 0;
    if (isIdle && !this.#naming.has(feed)) this.#intakes.delete(feed);
  }

  /** One timer for all streams that run, none while none does. */
  #keepTime(): void {
    const isNeeded = [...this.#byName.values()].some(({ isRunning }) => isRunning);
    if (isNeeded && !this.#timer) {
      this.#timer = this.#options.clock.every(TICK, () => this.#tick());
    } else if (!isNeeded) {
      this.#timer?.cancel();
      this.#timer = undefined;
    }
  }
}

const foreignMark = (wallMs: number): HubMark => ({
  randomAccess: true,
  class: 'data',
  capturedAt: wallMs * 1000,
});
