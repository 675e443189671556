import { Hub, type HubMessage, type Taker } from '@perch/hub';
import { type Clock, Emitter } from '@perch/runtime';
import { isStream } from '../rules/rule.ts';
import { Meter } from './meter.ts';

/** A way in: whoever publishes on a feed holds one, and gives it back with `close`. */
export interface FeedInput {
  /** What comes in here came back from a destination. */
  readonly isFar: boolean;
  publish(message: HubMessage, from: unknown): void;
  /** Idempotent. */
  close(): void;
}

/** One feed that somebody publishes on. */
export interface Feed {
  readonly name: string;
  readonly meter: Meter;
  /** How many inputs are open. */
  readonly publishers: number;
}

/** Who makes streams of feeds: hears every message as it comes in, from whom it came, and when a publisher ends. */
export interface FeedSink {
  /** @param input tells one publisher of the feed from another. */
  message(feed: string, input: FeedInput, message: HubMessage, from: unknown): void;
  ended(feed: string, input: FeedInput): void;
}

interface OpenFeed {
  readonly name: string;
  readonly meter: Meter;
  publishers: number;
  readonly hold: Disposable;
}

/**
 * Who hears what: everybody on a topic hears the other members of it, byte for byte. What topics `stream/…` carry is
 * put together elsewhere, of what the sink is given here (COMPAT 1.4).
 */
export class Switchboard {
  /** `feeds`: a feed got its first publisher, or lost its last. `takers`: somebody joined this topic, or left it. */
  readonly events = new Emitter<{ feeds: undefined; takers: string }>();
  readonly #clock: Clock;
  readonly #hub: Hub;
  readonly #feeds = new Map<string, OpenFeed>();
  #sink: FeedSink | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#hub = new Hub({ clock, endOfTurn: (flush) => void setImmediate(flush) });
  }

  get feeds(): Iterable<Feed> {
    return this.#feeds.values();
  }

  /** How many take from a topic. */
  takers(topic: string): number {
    return this.#hub.find(topic)?.takers.length ?? 0;
  }

  /** From now on `sink` hears what comes in on feeds. There is one at a time; leave with the handle. */
  feed(sink: FeedSink): Disposable {
    this.#sink = sink;
    return {
      [Symbol.dispose]: () => {
        if (this.#sink === sink) this.#sink = undefined;
      },
    };
  }

  /** Gives the takers of a stream a message. */
  publish(stream: string, message: HubMessage, from?: unknown): void {
    this.#hub.find(stream)?.publish(message, from);
  }

  /** Gives `taker` what `topic` carries from now on, but for what it publishes itself. Leave with the handle. */
  join(topic: string, taker: Taker): Disposable {
    const leave = this.#hub.topic(topic).take(taker);
    this.events.emit('takers', topic);
    return {
      [Symbol.dispose]: () => {
        leave[Symbol.dispose]();
        this.events.emit('takers', topic);
      },
    };
  }

  /** Opens a way into a feed. `isFar`: for what comes back from a destination. */
  open(name: string, { isFar = false } = {}): FeedInput {
    let feed = this.#feeds.get(name);
    if (!feed) {
      feed = { name, meter: new Meter(), publishers: 0, hold: this.#hub.topic(name).hold() };
      this.#feeds.set(name, feed);
      this.events.emit('feeds', undefined);
    }
    const opened = feed;
    opened.publishers += 1;
    let isOpen = true;
    const input: FeedInput = {
      isFar,
      publish: (message, from) => {
        if (isOpen) this.#publish(opened, input, message, from);
      },
      close: () => {
        if (!isOpen) return;
        isOpen = false;
        this.#sink?.ended(name, input);
        opened.publishers -= 1;
        if (opened.publishers > 0) return;
        this.#feeds.delete(name);
        opened.hold[Symbol.dispose]();
        this.events.emit('feeds', undefined);
      },
    };
    return input;
  }

  #publish(feed: OpenFeed, input: FeedInput, message: HubMessage, from: unknown): void {
    feed.meter.add(message.bytes.byteLength, this.#clock.now());
    // COMPAT 1.4: what a member of stream/<x> sends up reaches nobody.
    if (isStream(feed.name)) return;
    this.#hub.find(feed.name)?.publish(message, from);
    this.#sink?.message(feed.name, input, message, from);
  }
}
