import type { Batch, Taker, TopicMessage } from '@perch/hub';
import { StartGroup } from '@perch/mpegts';
import { type Framing, frameReplay } from './frames.ts';

/**
 * What a new viewer gets first, framed. A taker like any other, so it ends exactly where the live messages begin.
 */
export class FramedStartGroup implements Taker {
  readonly #group: StartGroup<TopicMessage>;
  #framed: Map<Framing, Buffer> | undefined;

  /** @param options.mostBytes see {@link StartGroup}. */
  constructor(options: { mostBytes: number }) {
    this.#group = new StartGroup(options);
  }

  /** See {@link StartGroup.state}. */
  get state(): 'none' | 'whole' | 'too-large' {
    return this.#group.state;
  }

  /** What it holds, as it was published, with the tables first. */
  get messages(): readonly TopicMessage[] {
    return this.#group.messages;
  }

  /** How many messages it holds. */
  get length(): number {
    return this.#group.messages.length;
  }

  get bytes(): number {
    return this.#group.bytes;
  }

  take(batch: Batch): void {
    this.#framed = undefined;
    for (const message of batch.messages) this.#group.add(message);
  }

  /** The group's frames; made when first asked for, then shared until the next message. Empty if there is no group. */
  frames(framing: Framing): Buffer {
    this.#framed ??= new Map();
    let frames = this.#framed.get(framing);
    if (!frames) {
      frames = frameReplay(this.#group.messages, framing);
      this.#framed.set(framing, frames);
    }
    return frames;
  }

  /** Nobody publishes any more: what is here is not live. */
  clear(): void {
    this.#group.clear();
    this.#framed = undefined;
  }
}
