import type { HubMessage } from '@perch/hub';
import { beginsGroup } from '@perch/mpegts';
import { type Millis, millis } from '@perch/runtime';
import { isTransportStream, jumpsOf, Successor } from './successor.ts';

/**
 * What becomes of a message. `heard`: it is carried on, after `first`. `held`: its publisher is not heard yet. `takes-over`: its
 * publisher is heard from here on, beginning with `messages`; `before` is not heard any more.
 */
export type Verdict<P> =
  | { readonly kind: 'held' }
  | { readonly kind: 'heard'; readonly first?: HubMessage }
  | { readonly kind: 'takes-over'; readonly before: P | undefined; readonly messages: readonly HubMessage[] };

/** Where nobody else is heard, a random access point is awaited for so long. */
export const PATIENCE = millis(2_000);

const HEARD = { kind: 'heard' } as const;
const HELD = { kind: 'held' } as const;

/**
 * Which of a topic's `perch.1` publishers is heard: one at a time. A newer one takes over at its first random access
 * point, and nothing that it sent before that is heard. Knows the packet layer, no sockets.
 */
export class Succession<P extends object> {
  #publisher: P | undefined;
  readonly #successors = new Map<P, Successor>();
  /** Pictures or sound were heard: whoever comes next must begin where a decoder can. */
  #hasMedia = false;
  /** PIDs of the one who took over, of which nothing came since. */
  #unheard: Set<number> = new Set();

  /** Who is heard. */
  get publisher(): P | undefined {
    return this.#publisher;
  }

  /** Somebody has sent something and is not heard yet. */
  get hasSuccessor(): boolean {
    return this.#successors.size > 0;
  }

  offer(message: HubMessage, from: P, now: Millis): Verdict<P> {
    const { mark } = message;
    if (from === this.#publisher) {
      this.#hasMedia ||= mark.class !== 'data';
      return this.#unheard.size === 0 ? HEARD : this.#heardAnew(message);
    }
    // Words beside pictures, from whomever, are no other stream.
    if (this.#hasMedia && mark.class === 'data' && !isTransportStream(message)) return HEARD;
    const successor = this.#successorOf(from, now);
    if (!this.#isTime(message, successor, now)) {
      successor.hear(message);
      return HELD;
    }
    const { messages, unheard } = this.#hasMedia
      ? successor.begin(message)
      : { messages: [message], unheard: new Set<number>() };
    const before = this.takeOver(from);
    this.#unheard = unheard;
    this.#hasMedia ||= mark.class !== 'data';
    return { kind: 'takes-over', before, messages };
  }

  /** From here on this one is heard. @returns who was before, if somebody else was. */
  takeOver(publisher: P): P | undefined {
    const before = this.#publisher;
    this.#publisher = publisher;
    this.#unheard = new Set();
    this.#successors.delete(publisher);
    return before === publisher ? undefined : before;
  }

  /** @returns whether it was the one that is heard. */
  leave(publisher: P): boolean {
    this.#successors.delete(publisher);
    if (this.#publisher !== publisher) return false;
    this.#publisher = undefined;
    return true;
  }

  /** A message that may have the first packets of some PIDs. */
  #heardAnew(message: HubMessage): Verdict<P> {
    if (!isTransportStream(message)) return HEARD;
    const { jumps, unheard } = jumpsOf(message, this.#unheard);
    this.#unheard = unheard;
    return jumps ? { kind: 'heard', first: jumps } : HEARD;
  }

  #isTime({ mark }: HubMessage, successor: Successor, now: Millis): boolean {
    if (beginsGroup(mark)) return true;
    if (!this.#hasMedia && (mark.randomAccess || !this.#publisher)) return true;
    // One whose encoder marks no random access points is better than nobody.
    return !this.#publisher && now - successor.since >= PATIENCE;
  }

  #successorOf(publisher: P, now: Millis): Successor {
    let successor = this.#successors.get(publisher);
    if (!successor) {
      successor = new Successor(now);
      this.#successors.set(publisher, successor);
    }
    return successor;
  }
}
