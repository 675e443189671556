import type { Millis } from '@perch/runtime';
import type { TopicMessage } from './message.ts';

/** Makes something of a batch that all takers of one kind share, such as its WebSocket frames. Compared by identity. */
export interface BatchMaker<T> {
  make(batch: Batch): T;
}

/** What one topic was given in one turn of the event loop. Shared by all takers, so nobody changes it. */
export class Batch {
  readonly messages: readonly TopicMessage[];
  /** Sum of the messages' payloads. */
  readonly byteLength: number;
  /** When it was handed on, on the hub's clock. */
  readonly at: Millis;
  readonly #senders: readonly unknown[];
  #maker: BatchMaker<unknown> | undefined;
  #made: unknown;
  #others: Map<BatchMaker<unknown>, unknown> | undefined;

  constructor(options: {
    messages: readonly TopicMessage[];
    byteLength: number;
    at: Millis;
    senders: readonly unknown[];
  }) {
    this.messages = options.messages;
    this.byteLength = options.byteLength;
    this.at = options.at;
    this.#senders = options.senders;
  }

  /** Whether `sender` published some of it, and so must not be given the whole. */
  isFrom(sender: unknown): boolean {
    return this.#senders.includes(sender);
  }

  /** What `maker` makes of this batch: made when first asked for, then the same for everybody. */
  made<T>(maker: BatchMaker<T>): T {
    if (this.#maker === maker) return this.#made as T;
    if (this.#maker === undefined) {
      this.#made = maker.make(this);
      this.#maker = maker;
      return this.#made as T;
    }
    this.#others ??= new Map();
    if (!this.#others.has(maker)) this.#others.set(maker, maker.make(this));
    return this.#others.get(maker) as T;
  }
}
