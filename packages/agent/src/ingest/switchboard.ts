import { Hub, type HubMessage, type Taker } from '@perch/hub';
import { type Clock, Emitter } from '@perch/runtime';
import { isStream, type StreamRule } from '../rules/rule.ts';
import { Meter } from './meter.ts';

/** A way in: whoever publishes on a feed holds one, and gives it back with `close`. */
export interface FeedInput {
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

interface OpenFeed {
  readonly name: string;
  readonly meter: Meter;
  publishers: number;
  readonly hold: Disposable;
}

/**
 * Who hears what: everybody on a topic hears the other members of it, and a topic `stream/…` carries what its rule's
 * feeds carry (COMPAT 1.4). Changing a rule changes what members hear, never their connection.
 */
export class Switchboard {
  /** `feeds`: a feed got its first publisher, or lost its last. */
  readonly events = new Emitter<{ feeds: undefined }>();
  readonly #clock: Clock;
  readonly #hub: Hub;
  readonly #feeds = new Map<string, OpenFeed>();
  #streamsOf: ReadonlyMap<string, readonly string[]> = new Map();

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

  /** The rules that hold from now on. */
  setStreams(rules: ReadonlyMap<string, StreamRule>): void {
    const streamsOf = new Map<string, string[]>();
    for (const { stream, feeds } of rules.values()) {
      if (!isStream(stream)) continue;
      for (const feed of new Set(feeds)) streamsOf.set(feed, [...(streamsOf.get(feed) ?? []), stream]);
    }
    this.#streamsOf = streamsOf;
  }

  /** Gives `taker` what `topic` carries from now on, but for what it publishes itself. Leave with the handle. */
  join(topic: string, taker: Taker): Disposable {
    return this.#hub.topic(topic).take(taker);
  }

  /** Opens a way into a feed. */
  open(name: string): FeedInput {
    let feed = this.#feeds.get(name);
    if (!feed) {
      feed = { name, meter: new Meter(), publishers: 0, hold: this.#hub.topic(name).hold() };
      this.#feeds.set(name, feed);
      this.events.emit('feeds', undefined);
    }
    const opened = feed;
    opened.publishers += 1;
    let isOpen = true;
    return {
      publish: (message, from) => {
        if (isOpen) this.#publish(opened, message, from);
      },
      close: () => {
        if (!isOpen) return;
        isOpen = false;
        opened.publishers -= 1;
        if (opened.publishers > 0) return;
        this.#feeds.delete(name);
        opened.hold[Symbol.dispose]();
        this.events.emit('feeds', undefined);
      },
    };
  }

  #publish(feed: OpenFeed, message: HubMessage, from: unknown): void {
    feed.meter.add(message.bytes.byteLength, this.#clock.now());
    // COMPAT 1.4: what a member of stream/<x> sends up reaches nobody.
    if (isStream(feed.name)) return;
    this.#hub.find(feed.name)?.publish(message, from);
    for (const stream of this.#streamsOf.get(feed.name) ?? []) this.#hub.find(stream)?.publish(message, from);
  }
}
