import type { Batch, Hub, HubMessage, Taker } from '@perch/hub';
import type { Unshown } from '@perch/protocol';
import type { Clock, Millis, Timer } from '@perch/runtime';
import type { TopicPlace } from './auth/codes.ts';
import type { Connection } from './connection.ts';
import { PATIENCE, Succession } from './publish/succession.ts';
import { PartialShowing } from './view/partial-showing.ts';
import { Showing } from './view/showing.ts';

/** What a list of topics says about one. */
export interface TopicInfo {
  readonly topic: string;
  readonly place: TopicPlace;
  readonly viewers: number;
  /** Connections that are heard. */
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
  readonly #place: TopicPlace;
  readonly #hub: Hub;
  readonly #clock: Clock;
  readonly #startGroupBytes: number;
  readonly #onEmpty: () => void;
  readonly #whole: Showing;
  /** The same for readers who may not have all of it; there as long as they are. */
  readonly #parts = new Map<Unshown, PartialShowing>();
  readonly #meter: Meter;
  readonly #metering: Disposable;
  /** Who hears the topic, and how each leaves it. */
  readonly #readers = new Map<Connection, Disposable>();
  readonly #writers = new Set<Connection>();
  /** Readers who came to watch and have published nothing. */
  readonly #viewers = new Set<Connection>();
  /** Who is heard. */
  readonly #publishing = new Set<Connection>();
  readonly #succession = new Succession<Connection>();
  /** Those that send nothing while nobody watches, and then begin with a group of their own. */
  readonly #holdingBack = new WeakSet<Connection>();
  /** Its publisher has paused: a newcomer begins where a decoder can, also while there is no group. */
  #wasPaused = false;
  #publishedAt: Millis;
  /** What viewers were told. */
  #isWaiting = true;
  /** The last publisher has left, and one who may take its place is here. */
  #vacancy: Timer | undefined;

  constructor(options: {
    name: string;
    place: TopicPlace;
    hub: Hub;
    clock: Clock;
    startGroupBytes: number;
    onEmpty: () => void;
  }) {
    this.name = options.name;
    this.#place = options.place;
    this.#clock = options.clock;
    this.#publishedAt = options.clock.now();
    this.#onEmpty = options.onEmpty;
    this.#hub = options.hub;
    this.#startGroupBytes = options.startGroupBytes;
    this.#whole = new Showing(options);
    this.#meter = new Meter(options.clock.now());
    this.#metering = this.#whole.take(this.#meter);
  }

  get info(): TopicInfo {
    return {
      topic: this.name,
      place: this.#place,
      viewers: this.#viewers.size,
      publishers: this.#publishing.size,
      bitrate: this.#meter.bitrate,
      waiting: this.#isWaiting,
    };
  }

  /** Adds a connection. If it may read it gets the start group and then, without gap, every message. */
  join(connection: Connection): void {
    const { access, outlet } = connection;
    if (connection.isViewer && this.#viewers.size === 0) this.#forgetPaused();
    if (access.read) {
      const showing = this.#showingFor(connection);
      this.#readers.set(connection, showing.take(outlet));
      outlet.control({ type: this.#isWaiting ? 'waiting' : 'live' });
      if (connection.isViewer) showing.start(outlet, connection.framing, this.#isMidway);
    }
    if (access.write) this.#writers.add(connection);
    if (access.read && connection.isViewer) this.#viewers.add(connection);
    this.#tellWriters();
  }

  leave(connection: Connection): void {
    this.#readers.get(connection)?.[Symbol.dispose]();
    this.#readers.delete(connection);
    this.#endUnusedPart(connection.access.without);
    this.#writers.delete(connection);
    this.#viewers.delete(connection);
    const wasHeard = this.#succession.leave(connection);
    if (this.#publishing.delete(connection) && (wasHeard || this.#publishing.size === 0)) this.#forgetGroup();
    this.#considerWaiting();
    this.#tellWriters();
    if (this.#readers.size > 0 || this.#writers.size > 0) return;
    this.#vacancy?.cancel();
    this.#metering[Symbol.dispose]();
    this.#whole[Symbol.dispose]();
    this.#onEmpty();
  }

  publish(message: HubMessage, from: Connection): void {
    if (!takesTurns(from)) {
      this.#hear(from);
      this.#carry(message, from);
      return;
    }
    const verdict = this.#succession.offer(message, from, this.#clock.now());
    switch (verdict.kind) {
      case 'heard':
        this.#hear(from);
        if (verdict.first) this.#carry(verdict.first, from);
        this.#carry(message, from);
        return;
      case 'held':
        return;
      case 'takes-over':
        this.#replace(verdict.before);
        this.#hear(from);
        for (const first of verdict.messages) this.#carry(first, from);
        return;
    }
  }

  /** A publisher has something to watch, and waits for somebody who does. */
  standBy(connection: Connection): void {
    this.#holdingBack.add(connection);
    if (!takesTurns(connection) || this.#viewers.size > 0) return;
    const before = this.#succession.takeOver(connection);
    if (before) this.#forgetGroup();
    this.#replace(before);
    this.#hear(connection);
  }

  /** Once a second. */
  tick(): void {
    this.#meter.tick(this.#clock.now());
  }

  #carry(message: HubMessage, from: Connection): void {
    this.#publishedAt = this.#clock.now();
    this.#whole.topic.publish(message, from);
  }

  /** Counts a connection among those that are heard. */
  #hear(connection: Connection): void {
    if (this.#publishing.has(connection)) return;
    this.#publishing.add(connection);
    this.#considerWaiting();
    if (this.#viewers.delete(connection)) this.#tellWriters();
  }

  #replace(before: Connection | undefined): void {
    if (!before) return;
    this.#publishing.delete(before);
    before.replace();
  }

  /** Tells viewers whether somebody publishes; not of a gap between two publishers that is about to close. */
  #considerWaiting(): void {
    const isVacant = this.#publishing.size === 0;
    if (isVacant === this.#isWaiting) {
      this.#vacancy?.cancel();
      this.#vacancy = undefined;
    } else if (!isVacant) this.#tellReaders('live');
    else if (!this.#hasSuccessor) this.#tellReaders('waiting');
    else this.#vacancy ??= this.#clock.after(PATIENCE, () => this.#tellReaders('waiting'));
  }

  /** Somebody is here who may publish next. */
  get #hasSuccessor(): boolean {
    if (this.#succession.hasSuccessor) return true;
    for (const writer of this.#writers) if (takesTurns(writer) && !writer.isViewer) return true;
    return false;
  }

  /** What came before a pause is not what a newcomer is to see, nor twice what a publisher begins with again. */
  #forgetPaused(): void {
    const { publisher } = this.#succession;
    if (!publisher) return;
    const isPaused = this.#holdingBack.has(publisher) || this.#clock.now() - this.#publishedAt > PAUSE;
    if (!isPaused) return;
    // First the end of what came before: it may be a group.
    this.#whole.topic.flush();
    const wasPaused = this.#wasPaused || this.#whole.group.state !== 'none';
    this.#forgetGroup();
    this.#wasPaused = wasPaused;
  }

  /** The topic as this reader may have it. */
  #showingFor({ access: { without } }: Connection): Showing {
    if (without === undefined) return this.#whole;
    let part = this.#parts.get(without);
    if (!part) {
      part = new PartialShowing({
        whole: this.#whole,
        hub: this.#hub,
        without,
        startGroupBytes: this.#startGroupBytes,
      });
      this.#parts.set(without, part);
    }
    return part.showing;
  }

  #endUnusedPart(without: Unshown | undefined): void {
    const part = without && this.#parts.get(without);
    if (!part || part.showing.hasViewers) return;
    part[Symbol.dispose]();
    this.#parts.delete(without);
  }

  /** What comes next is of a group whose begin is not kept. */
  get #isMidway(): boolean {
    return this.#wasPaused || this.#whole.group.state === 'too-large';
  }

  /** What is kept is not live any more. */
  #forgetGroup(): void {
    this.#whole.forget();
    for (const part of this.#parts.values()) part.forget();
    this.#wasPaused = false;
  }

  #tellReaders(type: 'waiting' | 'live'): void {
    this.#vacancy?.cancel();
    this.#vacancy = undefined;
    this.#isWaiting = type === 'waiting';
    for (const reader of this.#readers.keys()) reader.outlet.control({ type });
  }

  #tellWriters(): void {
    for (const writer of this.#writers) {
      writer.tellWatched(this.#viewers.size - (this.#viewers.has(writer) ? 1 : 0));
    }
  }
}

/** Of these one at a time is heard. Plain clients and `/bi` are N:N, as ever. */
const takesTurns = (connection: Connection): boolean => connection.speaksPerch && connection.path !== 'bi';
