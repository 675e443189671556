import type { Clock } from '@perch/runtime';
import { Batch } from './batch.ts';
import type { HubMessage, TopicMessage } from './message.ts';

/**
 * A turn that brings more than this is handed on in several batches. All takers copy the same bytes one after the
 * other, so a batch should stay in the processor's cache: `bench/fanout-saturation.ts` shows the difference.
 */
const BATCH_BYTES = 256 * 1024;

/**
 * Receives what a topic carries: a viewer, a destination, a cache, a recorder.
 *
 * `take` is called once per turn of the event loop and topic (more often where a turn brings much), synchronously, for
 * one taker after the other.
 * It must not throw and must not wait; a taker that is behind queues references, in a `TakerQueue`.
 */
export interface Taker {
  take(batch: Batch): void;
}

/** A name with publishers and takers. Made by {@link Hub.topic}; gone when nobody takes or holds it any more. */
export class Topic {
  readonly name: string;
  readonly #clock: Clock;
  readonly #onPending: (topic: Topic) => void;
  readonly #onUnused: (topic: Topic) => void;
  /** Replaced, never changed, so that a turn in progress goes on over the takers that it began with. */
  #takers: readonly Taker[] = [];
  #holds = 0;
  #released = false;
  #sequence = 0;
  #pending: TopicMessage[] = [];
  #pendingBytes = 0;
  #senders: unknown[] = [];

  /** Use {@link Hub.topic}. */
  constructor(options: {
    name: string;
    clock: Clock;
    onPending: (topic: Topic) => void;
    onUnused: (topic: Topic) => void;
  }) {
    this.name = options.name;
    this.#clock = options.clock;
    this.#onPending = options.onPending;
    this.#onUnused = options.onUnused;
  }

  get takers(): readonly Taker[] {
    return this.#takers;
  }

  /** Sequence number that the next message gets. */
  get nextSequence(): number {
    return this.#sequence;
  }

  /**
   * Publishes a message. Takers get it before the event loop turns, in one batch with whatever else comes until then.
   *
   * @param from who publishes it. A taker that is this very object does not hear it.
   */
  publish(message: HubMessage, from?: unknown): void {
    this.#pending.push({
      bytes: message.bytes,
      text: message.text,
      mark: message.mark,
      sequence: this.#sequence,
      from,
    });
    this.#sequence = (this.#sequence + 1) >>> 0;
    this.#pendingBytes += message.bytes.byteLength;
    if (from !== undefined && !this.#senders.includes(from)) this.#senders.push(from);
    if (this.#pending.length === 1) this.#onPending(this);
    if (this.#pendingBytes >= BATCH_BYTES) this.flush();
  }

  /**
   * Adds a taker. What was published before goes to the others first, so the first message that this one gets is the
   * one with sequence {@link nextSequence}: no gap, nothing twice.
   *
   * @returns the way to leave; idempotent.
   */
  take(taker: Taker): Disposable {
    this.#mustBeAlive();
    if (this.#takers.includes(taker)) throw new TypeError(`taker: it takes topic ${this.name} already`);
    this.flush();
    this.#takers = [...this.#takers, taker];
    return this.#handle(() => {
      this.#takers = this.#takers.filter((other) => other !== taker);
    });
  }

  /** Keeps the topic, its sequence and its name while nobody takes it: for publishers. */
  hold(): Disposable {
    this.#mustBeAlive();
    this.#holds++;
    return this.#handle(() => {
      this.#holds--;
    });
  }

  /** Hands what was published to the takers now. The hub calls it once a turn. */
  flush(): void {
    if (this.#pending.length === 0) return;
    const batch = new Batch({
      messages: this.#pending,
      byteLength: this.#pendingBytes,
      at: this.#clock.now(),
      senders: this.#senders,
    });
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#senders = [];
    for (const taker of this.#takers) taker.take(batch);
  }

  #handle(leave: () => void): Disposable {
    let left = false;
    return {
      [Symbol.dispose]: () => {
        if (left) return;
        left = true;
        leave();
        if (this.#takers.length === 0 && this.#holds === 0) {
          this.#released = true;
          this.#onUnused(this);
        }
      },
    };
  }

  #mustBeAlive(): void {
    if (this.#released) throw new TypeError(`topic ${this.name} is gone: ask the hub for it again`);
  }
}
