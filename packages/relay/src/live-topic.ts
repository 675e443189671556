import type { Batch, Hub, HubMessage, Taker, Topic } from '@perch/hub';
import { beginsGroup } from '@perch/mpegts';
import type { Clock, Millis } from '@perch/runtime';
import type { Connection } from './connection.ts';
import { FramedStartGroup } from './view/start-group.ts';

/** What a list of topics says about one. */
export interface TopicInfo {
  readonly topic: string;
  readonly viewers: number;
  /** Connections that have published. */
  readonly publishers: number;
  /** Bits per second of payload, over the last full second. */
  readonly bitrate: number;
  /** Nobody publishes. */
  readonly waiting: boolean;
}

/** Counts a topic's payload. A taker like any other. */
class Meter implements Taker {
  #bytes = 0;
  #since: Millis;
  #bitrate = 0;

  constructor(now: Millis) {
    this.#since = now;
  }

  take(batch: Batch): void {
    this.#bytes += batch.byteLength;
  }

  /** Ends one period of measuring. */
  tick(now: Millis): void {
    const seconds = (now - this.#since) / 1000;
    if (seconds <= 0) return;
    this.#bitrate = Math.round((this.#bytes * 8) / seconds);
    this.#bytes = 0;
    this.#since = now;
  }

  get bitrate(): number {
    return this.#bitrate;
  }
}

/** Media that came before a pause of so long are not live any more, in ms. */
const PAUSE = 500;

/** A topic with connections: who publishes, who watches, and what a newcomer gets first. */
export class LiveTopic {
  readonly name: string;
  readonly #topic: Topic;
  readonly #clock: Clock;
  readonly #onEmpty: () => void;
  readonly #startGroup: FramedStartGroup;
  readonly #meter: Meter;
  readonly #own: Disposable[];
  /** Who hears the topic, and how each leaves it. */
  readonly #readers = new Map<Connection, Disposable>();
  readonly #writers = new Set<Connection>();
  /** Readers who came to watch and have published nothing. */
  readonly #viewers = new Set<Connection>();
  readonly #publishing = new Set<Connection>();
  /** The `perch.1` publisher whose media the topic carries. Another takes over at its first random access point. */
  #publisher: Connection | undefined;
  #publishedAt: Millis;

  constructor(options: {
    name: string;
    hub: Hub;
    clock: Clock;
    startGroupBytes: number;
    onEmpty: () => void;
  }) {
    this.name = options.name;
    this.#clock = options.clock;
    this.#publishedAt = options.clock.now();
    this.#onEmpty = options.onEmpty;
    this.#topic = options.hub.topic(options.name);
    this.#startGroup = new FramedStartGroup({ mostBytes: options.startGroupBytes });
    this.#meter = new Meter(options.clock.now());
    this.#own = [this.#topic.take(this.#startGroup), this.#topic.take(this.#meter)];
  }

  get isWaiting(): boolean {
    return this.#publishing.size === 0;
  }

  get info(): TopicInfo {
    return {
      topic: this.name,
      viewers: this.#viewers.size,
      publishers: this.#publishing.size,
      bitrate: this.#meter.bitrate,
      waiting: this.isWaiting,
    };
  }

  /** Adds a connection. If it may read it gets the start group and then, without gap, every message. */
  join(connection: Connection): void {
    const { access, outlet } = connection;
    if (connection.isViewer && this.#viewers.size === 0) this.#forgetPaused();
    if (access.read) {
      // Taking flushes what is pending to the start group first, so the two fit together.
      this.#readers.set(connection, this.#topic.take(outlet));
      outlet.control({ type: this.isWaiting ? 'waiting' : 'live' });
      if (connection.isViewer) this.#start(connection);
    }
    if (access.write) this.#writers.add(connection);
    if (access.read && connection.isViewer) this.#viewers.add(connection);
    this.#tellWriters();
  }

  leave(connection: Connection): void {
    this.#readers.get(connection)?.[Symbol.dispose]();
    this.#readers.delete(connection);
    this.#writers.delete(connection);
    this.#viewers.delete(connection);
    if (this.#publisher === connection) this.#publisher = undefined;
    if (this.#publishing.delete(connection) && this.isWaiting) {
      // What it published in this turn still belongs to what was live.
      this.#topic.flush();
      this.#startGroup.clear();
      this.#tellReaders('waiting');
    }
    this.#tellWriters();
    if (this.#readers.size > 0 || this.#writers.size > 0) return;
    for (const handle of this.#own) handle[Symbol.dispose]();
    this.#onEmpty();
  }

  publish(message: HubMessage, from: Connection): void {
    this.#begin(from);
    if (from.speaksPerch && !this.#mayPublish(message, from)) return;
    this.#publishedAt = this.#clock.now();
    this.#topic.publish(message, from);
  }

  /** A publisher has something to watch, and waits for somebody who does. */
  standBy(connection: Connection): void {
    this.#begin(connection);
    if (this.#viewers.size === 0) this.#takeOver(connection);
  }

  /** Once a second. */
  tick(): void {
    this.#meter.tick(this.#clock.now());
  }

  /** Counts a connection among those that publish. */
  #begin(connection: Connection): void {
    if (this.#publishing.has(connection)) return;
    this.#publishing.add(connection);
    if (this.#publishing.size === 1) this.#tellReaders('live');
    if (this.#viewers.delete(connection)) this.#tellWriters();
  }

  /** Media of a second publisher wait for its random access point; then they replace those of the first. */
  #mayPublish({ mark }: HubMessage, from: Connection): boolean {
    if (mark.class === 'data' || from === this.#publisher || from.path === 'bi') return true;
    if (beginsGroup(mark)) this.#takeOver(from);
    return this.#publisher === undefined || this.#publisher === from;
  }

  #takeOver(connection: Connection): void {
    const before = this.#publisher;
    if (before === connection || connection.path === 'bi') return;
    this.#publisher = connection;
    before?.replace();
  }

  /** While nobody watches an agent sends nothing, and what it sent before that is not what a newcomer is to see. */
  #forgetPaused(): void {
    if (this.#publisher && this.#clock.now() - this.#publishedAt > PAUSE) {
      this.#topic.flush();
      this.#startGroup.clear();
    }
  }

  #start(connection: Connection): void {
    const group = this.#startGroup;
    // Without random access points a viewer begins with whatever comes.
    if (group.state === 'whole') connection.outlet.start(group.frames(connection.framing), group.length);
    else if (group.state === 'too-large') connection.outlet.awaitRandomAccess();
  }

  #tellReaders(type: 'waiting' | 'live'): void {
    for (const reader of this.#readers.keys()) reader.outlet.control({ type });
  }

  #tellWriters(): void {
    for (const writer of this.#writers) {
      writer.tellWatched(this.#viewers.size - (this.#viewers.has(writer) ? 1 : 0));
    }
  }
}
