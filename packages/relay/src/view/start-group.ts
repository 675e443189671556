import type { Batch, Taker, TopicMessage } from '@perch/hub';
import { PACKET_BYTES, ProgramTables, SYNC_BYTE } from '@perch/mpegts';
import { type Framing, frameReplay } from './frames.ts';
import { findRandomAccess } from './random-access.ts';

/**
 * What a new viewer gets first: PAT, PMT and all messages since the last random access point. A taker like any other,
 * so it ends exactly where the live messages begin. Holds references to the messages, at most `mostBytes` of them:
 * with a larger group a viewer waits for the next random access point. A topic that is no transport stream has none.
 */
export class StartGroup implements Taker {
  readonly #mostBytes: number;
  #tables = new ProgramTables();
  #messages: TopicMessage[] = [];
  #bytes = 0;
  #state: 'none' | 'whole' | 'too-large' = 'none';
  #framed: Map<Framing, Buffer> | undefined;

  constructor(options: { mostBytes: number }) {
    this.#mostBytes = options.mostBytes;
  }

  /**
   * `none`: the topic has no random access points, so a viewer begins with whatever comes. `whole`: here it is.
   * `too-large`: there is one, and a viewer must begin with the next.
   */
  get state(): 'none' | 'whole' | 'too-large' {
    return this.#state;
  }

  /** How many messages it holds. */
  get length(): number {
    return this.#messages.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  take(batch: Batch): void {
    this.#framed = undefined;
    for (const message of batch.messages) this.#add(message);
  }

  /** The group's frames; made when first asked for, then shared until the next message. Empty if there is no group. */
  frames(framing: Framing): Buffer {
    this.#framed ??= new Map();
    let frames = this.#framed.get(framing);
    if (!frames) {
      frames = frameReplay(this.#messages, framing);
      this.#framed.set(framing, frames);
    }
    return frames;
  }

  /** Nobody publishes any more: what is here is not live. */
  clear(): void {
    this.#tables = new ProgramTables();
    this.#drop('none');
  }

  #add(message: TopicMessage): void {
    const { mark } = message;
    if (
      !message.text &&
      (mark.class !== 'data' || this.#state !== 'none' || looksLikeTables(message.bytes))
    ) {
      this.#tables.push(message.bytes);
    }
    if (mark.randomAccess && mark.class !== 'data') this.#begin(message);
    else if (this.#state === 'whole') this.#keep(message);
  }

  /** What comes before the random access point in its message belongs to the group before. */
  #begin(message: TopicMessage): void {
    const tables = this.#tables.packets();
    this.#drop(tables ? 'whole' : 'none');
    if (!tables) return;
    const own = message.bytes.subarray(findRandomAccess(message.bytes, message.mark.class));
    this.#keep({ ...message, bytes: Buffer.concat([tables, own]) });
  }

  #keep(message: TopicMessage): void {
    if (this.#bytes + message.bytes.length > this.#mostBytes) {
      this.#drop('too-large');
      return;
    }
    this.#messages.push(message);
    this.#bytes += message.bytes.length;
  }

  #drop(state: 'none' | 'whole' | 'too-large'): void {
    this.#messages = [];
    this.#bytes = 0;
    this.#framed = undefined;
    this.#state = state;
  }
}

/** A transport stream's sync byte: the tables may come in a message of their own before anything is known. */
const looksLikeTables = (bytes: Uint8Array): boolean =>
  bytes[0] === SYNC_BYTE && bytes.length % PACKET_BYTES === 0;
