import type { StreamClass } from '../codec/codec.ts';
import { type MessageMark, markOf } from '../message-cutter.ts';

/**
 * Collects packets into messages. Written into one buffer that is used again and again; a message is a copy of its own
 * size, so that whoever keeps one keeps nothing else.
 */
export class MessageWriter {
  readonly #onMessage: (bytes: Uint8Array, mark: MessageMark) => void;
  #bytes = new Uint8Array(64 * 1024);
  #length = 0;
  /** The class of the message being written; undefined while it holds only what goes with anything: tables and clock. */
  #class: StreamClass | undefined;
  #randomAccess = false;

  constructor(onMessage: (bytes: Uint8Array, mark: MessageMark) => void) {
    this.#onMessage = onMessage;
  }

  /** Where places that {@link append} returned are, until the next call of it. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** A unit comes with which a message has to begin; only tables and clock may stand before it. */
  cut(): void {
    if (this.#class !== undefined) this.flush();
  }

  /** What comes is of this class: one of another ends the message. */
  enter(kind: StreamClass): void {
    if (this.#class !== undefined && this.#class !== kind) this.flush();
    this.#class = kind;
  }

  /** The message being written is one to begin with. */
  markRandomAccess(): void {
    this.#randomAccess = true;
  }

  /** Copies `source` from `start` to `end` and returns its place in {@link bytes}. */
  append(source: Uint8Array, start: number, end: number): number {
    const at = this.#length;
    const needed = at + end - start;
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
      larger.set(this.#bytes.subarray(0, at));
      this.#bytes = larger;
    }
    this.#bytes.set(source.subarray(start, end), at);
    this.#length = needed;
    return at;
  }

  /** Hands over what is there. */
  flush(): void {
    if (this.#length === 0) return;
    const message = this.#bytes.slice(0, this.#length);
    const mark = markOf(this.#class ?? 'data', this.#randomAccess);
    this.#length = 0;
    this.#class = undefined;
    this.#randomAccess = false;
    this.#onMessage(message, mark);
  }
}
