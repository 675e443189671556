import type { Millis } from '@perch/runtime';
import type { OnTheWay } from './backlog.ts';
import type { HubMark } from './message.ts';

/** How far a taker may fall behind. */
export interface QueueLimits {
  /** Budget: most bytes on the way and queued. */
  readonly bytes: number;
  /** Budget: longest time that something waits, here or for its confirmation. */
  readonly age: Millis;
  /** The same where a picture is offered, if that may wait less: what it is now. */
  readonly pictureAge?: () => Millis;
  /** Beyond so many bytes, whatever they are, the taker is to be closed. */
  readonly hardBytes: number;
}

/** What became of a message that was offered. `overflow`: it was taken, and the taker must be closed now. */
export type Offer = 'queued' | 'dropped' | 'overflow';

/** A message that waits. */
export interface Queued<M> {
  readonly message: M;
  /** What it costs to send, in bytes, framing included. */
  readonly size: number;
  readonly at: Millis;
}

/** What was left out so far. */
export interface DropCount {
  readonly messages: number;
  readonly bytes: number;
}

/** Messages left out, by what they were. */
export type DropsByClass = Readonly<Record<HubMark['class'], number>>;

/** Once something has waited for so long, sound that waits overtakes it: a late picture is better than a gap in sound. */
const SOUND_FIRST_MS = 250;
/** The last eighth of the budget is for sound, so that picture goes first and sound goes on. */
const SOUND_RESERVE = 1 / 8;

/**
 * Messages by reference that wait for one slow taker. Pure: time comes in with each call, bytes are only counted.
 *
 * Drop policy "to the next random access point", when something is offered over the budget:
 * 1. video before the newest queued random access point is left out;
 * 2. then all queued video, and video to come until a random access point fits;
 * 3. then data, then sound, the oldest first;
 * 4. then what is offered.
 * An empty queue takes any one message, whatever its size, while at most half of the budget is on the way.
 * A topic without video simply loses its oldest messages.
 */
export class TakerQueue<M extends { readonly mark: HubMark }> {
  readonly #limits: QueueLimits;
  readonly #onTheWay: OnTheWay;
  #entries: Queued<M>[] = [];
  #bytes = 0;
  #skipping = false;
  #dropped = { messages: 0, bytes: 0 };
  readonly #byClass = { video: 0, audio: 0, data: 0 };
  #unreported = { messages: 0, bytes: 0 };

  constructor(options: { limits: QueueLimits; onTheWay: OnTheWay }) {
    this.#limits = options.limits;
    this.#onTheWay = options.onTheWay;
  }

  get length(): number {
    return this.#entries.length;
  }

  /** Bytes that wait here. */
  get bytes(): number {
    return this.#bytes;
  }

  /** How long the oldest has waited here; 0 where nothing waits. */
  age(now: Millis): number {
    const oldest = this.#entries[0];
    return oldest ? now - oldest.at : 0;
  }

  /** Video is being left out until a random access point fits. */
  get isSkipping(): boolean {
    return this.#skipping;
  }

  /** All that was left out since the beginning. */
  get dropped(): DropCount {
    return this.#dropped;
  }

  /** The same by class; changes as it goes on. */
  get droppedByClass(): DropsByClass {
    return this.#byClass;
  }

  /** Bytes on the way and waiting, the start group included. */
  get backlog(): number {
    return this.#onTheWay.allBytes + this.#bytes;
  }

  /**
   * How many bytes, of whatever kind, may go straight to the transport: 0 unless nothing waits, nothing is being left
   * out and the budget holds. The way of every taker in step; whoever goes it does not use {@link offer}.
   */
  straight(now: Millis): number {
    if (this.#entries.length > 0 || this.#skipping || this.#onTheWay.age(now) > this.#limits.age) return 0;
    return Math.max(0, this.#limits.bytes * (1 - SOUND_RESERVE) - this.#onTheWay.bytes);
  }

  /** Offers a message. What is queued is handed out by {@link shift}, in order within its class. */
  offer(message: M, size: number, now: Millis): Offer {
    const { mark } = message;
    if (this.#skipping && mark.class === 'video' && !mark.randomAccess) return this.#drop(mark, size);
    if (!this.#fits(mark, size, now)) this.#makeRoom(mark, size, now);
    if (!this.#fits(mark, size, now) || (this.#skipping && mark.class === 'video' && !mark.randomAccess)) {
      if (mark.class === 'video') this.#skipping = true;
      return this.#drop(mark, size);
    }
    if (mark.class === 'video') this.#skipping = false;
    this.#entries.push({ message, size, at: now });
    this.#bytes += size;
    return this.backlog > this.#limits.hardBytes ? 'overflow' : 'queued';
  }

  /** The next message to send: the oldest, or the oldest sound where the line is behind. */
  shift(now: Millis): Queued<M> | undefined {
    const oldest = this.#entries[0];
    if (!oldest) return undefined;
    const isBehind = now - oldest.at > SOUND_FIRST_MS;
    const sound = isBehind ? this.#entries.findIndex(({ message }) => message.mark.class === 'audio') : -1;
    const entry = sound > 0 ? this.#entries.splice(sound, 1)[0] : this.#entries.shift();
    if (entry) this.#bytes -= entry.size;
    return entry;
  }

  /** What was left out since the last call, if anything was: for telling the taker. */
  report(): DropCount | undefined {
    if (this.#unreported.messages === 0) return undefined;
    const report = this.#unreported;
    this.#unreported = { messages: 0, bytes: 0 };
    return report;
  }

  /** Leaves out all that waits. */
  discard(): void {
    this.#dropWhere(() => true);
    this.#skipping = false;
  }

  /** Forgets all that waits; nothing is counted as dropped. What is offered next may be a begin of its own. */
  clear(): void {
    this.#entries = [];
    this.#bytes = 0;
    this.#skipping = false;
  }

  #fits(mark: HubMark, size: number, now: Millis): boolean {
    const sound = mark.class === 'audio';
    const most = this.#limits.bytes * (sound ? 1 : 1 - SOUND_RESERVE);
    const onTheWay = this.#onTheWay.bytes;
    // A late confirmation stops picture and data; sound goes on as long as it costs little.
    if (!sound && this.#onTheWay.age(now) > this.#limits.age) return false;
    const oldest = this.#entries[0];
    if (!oldest) return onTheWay + size <= most || onTheWay <= most / 2;
    const age = (mark.class === 'video' && this.#limits.pictureAge?.()) || this.#limits.age;
    return now - oldest.at <= age && onTheWay + this.#bytes + size <= most;
  }

  #makeRoom(mark: HubMark, size: number, now: Millis): void {
    const newest = this.#entries.findLastIndex(
      ({ message }) => message.mark.class === 'video' && message.mark.randomAccess,
    );
    if (newest > 0) this.#dropWhere(({ message }, i) => i < newest && message.mark.class === 'video');
    if (this.#fits(mark, size, now)) return;
    if (this.#dropWhere(({ message }) => message.mark.class === 'video') > 0) this.#skipping = true;
    for (const kind of ['data', 'audio'] as const) {
      if (this.#fits(mark, size, now)) return;
      this.#dropOldest(kind, mark, size, now);
    }
  }

  /** Drops the oldest of `kind`, as many as are needed for the offered message to fit. */
  #dropOldest(kind: 'data' | 'audio', mark: HubMark, size: number, now: Millis): void {
    const most = this.#limits.bytes * (mark.class === 'audio' ? 1 : 1 - SOUND_RESERVE);
    let excess = this.#onTheWay.bytes + this.#bytes + size - most;
    const stale = now - this.#limits.age;
    this.#dropWhere((entry) => {
      if (entry.message.mark.class !== kind || (excess <= 0 && entry.at >= stale)) return false;
      excess -= entry.size;
      return true;
    });
  }

  #dropWhere(isDropped: (entry: Queued<M>, index: number) => boolean): number {
    const before = this.#entries.length;
    this.#entries = this.#entries.filter((entry, index) => {
      if (!isDropped(entry, index)) return true;
      this.#bytes -= entry.size;
      this.#drop(entry.message.mark, entry.size);
      return false;
    });
    return before - this.#entries.length;
  }

  #drop(mark: HubMark, size: number): 'dropped' {
    this.#byClass[mark.class] += 1;
    this.#dropped = { messages: this.#dropped.messages + 1, bytes: this.#dropped.bytes + size };
    this.#unreported = { messages: this.#unreported.messages + 1, bytes: this.#unreported.bytes + size };
    return 'dropped';
  }
}
