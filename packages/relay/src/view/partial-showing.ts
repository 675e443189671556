import type { Batch, Hub, Taker, TopicMessage } from '@perch/hub';
import { MessageMarker, TrackFilter } from '@perch/mpegts';
import type { Unshown } from '@perch/protocol';
import { Showing } from './showing.ts';

/** What is remembered of one publisher's stream. */
interface Sieve {
  readonly filter: TrackFilter;
  readonly marker: MessageMarker;
}

/**
 * A topic for those who may not have all of it: without its sound, or without its pictures. It takes the whole like any
 * viewer does, so those who may have everything pay nothing for it. Text goes with the pictures; bytes that are no
 * transport stream are not shown, as nobody knows what is in them.
 */
export class PartialShowing implements Taker, Disposable {
  readonly showing: Showing;
  readonly #without: Unshown;
  readonly #leave: Disposable;
  /** PIDs mean what their own publisher's tables say. */
  #sieves = new WeakMap<object, Sieve>();

  /** Begins with the start group of the whole. */
  constructor(options: { whole: Showing; hub: Hub; without: Unshown; startGroupBytes: number }) {
    const { whole, hub, without, startGroupBytes } = options;
    this.#without = without;
    // `?` is in no topic's name.
    this.showing = new Showing({ hub, name: `${whole.topic.name}?without=${without}`, startGroupBytes });
    this.#leave = whole.take(this);
    for (const message of whole.group.messages) this.#show(message);
    this.showing.topic.flush();
  }

  take(batch: Batch): void {
    for (const message of batch.messages) this.#show(message);
    this.showing.topic.flush();
  }

  /** What is kept is not live any more, and what comes next may be another publisher's. */
  forget(): void {
    this.showing.forget();
    this.#sieves = new WeakMap();
  }

  [Symbol.dispose](): void {
    this.#leave[Symbol.dispose]();
    this.showing[Symbol.dispose]();
  }

  #show({ bytes, text, mark, from }: TopicMessage): void {
    if (text) {
      if (this.#without === 'audio') this.showing.topic.publish({ bytes, text, mark }, from);
      return;
    }
    const { filter, marker } = this.#sieveOf(from);
    const left = filter.push(bytes);
    if (left.length === 0) return;
    const { capturedAt, replay } = mark;
    this.showing.topic.publish(
      {
        bytes: left,
        text,
        mark: {
          ...marker.mark(left),
          ...(capturedAt !== undefined && { capturedAt }),
          ...(replay && { replay }),
        },
      },
      from,
    );
  }

  #sieveOf(from: unknown): Sieve {
    const key = typeof from === 'object' && from !== null ? from : this;
    let sieve = this.#sieves.get(key);
    if (!sieve) {
      sieve = { filter: new TrackFilter({ without: [this.#without] }), marker: new MessageMarker() };
      this.#sieves.set(key, sieve);
    }
    return sieve;
  }
}
