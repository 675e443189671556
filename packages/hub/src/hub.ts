import type { Clock } from '@perch/runtime';
import { Topic } from './topic.ts';

/** What a {@link Hub} is given of the platform. */
export interface HubOptions {
  readonly clock: Clock;
  /**
   * Calls `flush` when this turn of the event loop has brought all it brings: `setImmediate` in Node. It is asked for
   * again only after it has called.
   */
  readonly endOfTurn: (flush: () => void) => void;
}

/**
 * Bounded fan-out: topics, who publishes to them and who takes from them. It knows bytes and ids, nothing of media,
 * sockets or files.
 */
export class Hub {
  readonly #clock: Clock;
  readonly #endOfTurn: (flush: () => void) => void;
  readonly #topics = new Map<string, Topic>();
  #pending: Topic[] = [];
  readonly #flush = () => {
    const pending = this.#pending;
    this.#pending = [];
    for (const topic of pending) topic.flush();
  };

  constructor(options: HubOptions) {
    this.#clock = options.clock;
    this.#endOfTurn = options.endOfTurn;
  }

  /**
   * The topic of this name, made if need be. Take it or hold it in the same turn: when its last taker and holder have
   * left it is forgotten, and a handle on a forgotten topic is refused.
   */
  topic(name: string): Topic {
    let topic = this.#topics.get(name);
    if (!topic) {
      topic = new Topic({
        name,
        clock: this.#clock,
        onPending: (pending) => {
          if (this.#pending.push(pending) === 1) this.#endOfTurn(this.#flush);
        },
        onUnused: (unused) => void this.#topics.delete(unused.name),
      });
      this.#topics.set(name, topic);
    }
    return topic;
  }

  /** The topic of this name, if somebody takes or holds it. */
  find(name: string): Topic | undefined {
    return this.#topics.get(name);
  }

  get topics(): Iterable<Topic> {
    return this.#topics.values();
  }

  get size(): number {
    return this.#topics.size;
  }
}
