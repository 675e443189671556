import type { Batch, Taker } from '@perch/hub';
import type { Clock } from '@perch/runtime';
import { ControlChannel } from '../rules/control.ts';
import { API_TOPIC } from '../rules/rule.ts';
import type { RuleStore } from '../rules/store.ts';
import type { FeedInput, Switchboard } from './switchboard.ts';

/** The agent itself as a member of topic `api`: hears commands, answers to all (COMPAT 1.5). */
export class ControlMember implements Taker {
  readonly #channel: ControlChannel;
  readonly #leave: Disposable;

  constructor({ switchboard, store, clock }: { switchboard: Switchboard; store: RuleStore; clock: Clock }) {
    let input: FeedInput | undefined;
    this.#channel = new ControlChannel({
      store,
      reply: (text) => {
        const mark = { randomAccess: true, class: 'data', capturedAt: clock.wall() * 1000 } as const;
        input ??= switchboard.open(API_TOPIC);
        input.publish({ bytes: Buffer.from(text), text: true, mark }, this);
      },
    });
    const joined = switchboard.join(API_TOPIC, this);
    this.#leave = {
      [Symbol.dispose]: () => {
        joined[Symbol.dispose]();
        input?.close();
      },
    };
  }

  take(batch: Batch): void {
    for (const { bytes, from } of batch.messages) {
      if (from !== this)
        this.#channel.take(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString());
    }
  }

  /** Hears no more; resolves when what it heard is answered. */
  async close(): Promise<void> {
    this.#leave[Symbol.dispose]();
    await this.#channel.drain();
  }
}
