import type { Batch, Taker, TopicMessage } from '@perch/hub';
import { StartGroup } from '@perch/mpegts';
import { limits } from '@perch/protocol';
import type { Switchboard } from '../ingest/switchboard.ts';

/** Takes from a topic of the switchboard, and keeps what somebody who begins now needs first. */
export class Tap implements Taker {
  readonly topic: string;
  /** For whoever is given the messages to keep up to date, message by message. */
  readonly group = new StartGroup<TopicMessage>({ mostBytes: limits.startGroupBytes });
  readonly #onMessages: (messages: readonly TopicMessage[]) => void;
  readonly #self: unknown;
  readonly #leave: Disposable;

  /** @param options.self who publishes on the topic by the same way, and is not to hear itself. */
  constructor(options: {
    topic: string;
    switchboard: Switchboard;
    self: unknown;
    onMessages: (messages: readonly TopicMessage[]) => void;
  }) {
    this.topic = options.topic;
    this.#onMessages = options.onMessages;
    this.#self = options.self;
    this.#leave = options.switchboard.join(options.topic, this);
  }

  take(batch: Batch): void {
    const { messages } = batch;
    const foreign = batch.isFrom(this.#self) ? messages.filter(({ from }) => from !== this.#self) : messages;
    if (foreign.length > 0) this.#onMessages(foreign);
  }

  close(): void {
    this.#leave[Symbol.dispose]();
  }
}
