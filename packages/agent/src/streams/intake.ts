import { MessageCutter, type MessageMark, ProgramTables, type TimedFeed } from '@perch/mpegts';
import type { Millis } from '@perch/runtime';
import { DataBudget } from './data-budget.ts';

/** A publisher that has sent nothing for so long is as good as gone. */
const SILENT_MS = 2_000;

/** Somebody who publishes on the feed. */
interface Publisher {
  readonly from: unknown;
  readonly cutter: MessageCutter;
  /** It has had its turn: it takes over again only where there is nothing else. */
  hasLed: boolean;
  heardAt: Millis;
  /** Its tables, while others are heard. */
  tables: ProgramTables | undefined;
}

/** Where bytes come from. */
export interface Origin {
  /** Tells one publisher from another. */
  readonly publisher: object;
  /** Who shall not hear it again. */
  readonly from: unknown;
  /** They come back from a destination: they are heard only where nobody publishes here. */
  readonly isFar: boolean;
}

export interface IntakeOptions {
  readonly feed: TimedFeed;
  /** The feed carries a transport stream. Called once. */
  onMedia(): void;
  /** Bytes that are no transport stream, and whose. */
  onForeign(bytes: Uint8Array, from: unknown): void;
}

/**
 * What comes in on one feed, on its way into streams. Only one publisher at a time is heard, so that two transport
 * streams are never mixed: a new one takes over at its first random access point, and when the one that is heard ends
 * or falls silent another may go on.
 */
export class Intake {
  readonly feed: TimedFeed;
  readonly #options: IntakeOptions;
  readonly #publishers = new Map<object, Publisher>();
  readonly #budget = new DataBudget();
  #current: Publisher | undefined;
  #now = 0 as Millis;
  #isMedia = false;
  #takeovers = 0;

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.feed = options.feed;
  }

  /** Whether it ever carried a transport stream. */
  get isMedia(): boolean {
    return this.#isMedia;
  }

  /** Whether something is coming in: a transport stream, or of a feed without one somebody who may send. */
  isLive(now: Millis): boolean {
    if (!this.#isMedia) return this.#publishers.size > 0;
    return this.#current !== undefined && now - this.#current.heardAt < SILENT_MS;
  }

  get publishers(): number {
    return this.#publishers.size;
  }

  /** What is odd about who publishes, in words. */
  get oddities(): readonly string[] {
    const oddities = [...this.#budget.oddities];
    const media = [...this.#publishers.values()].filter(({ cutter }) => cutter.stats.format === 'mpegts');
    if (media.length > 1) oddities.push(`${media.length} publishers at once: streams carry one of them`);
    if (this.#takeovers > 0) oddities.push(`another publisher took over: ${this.#takeovers} times`);
    let skipped = 0;
    for (const { cutter } of media) skipped += cutter.stats.skippedBytes;
    if (skipped > 0) oddities.push(`bytes left out that belong to no packet: ${skipped}`);
    return oddities;
  }

  /** Somebody publishes, be it texts alone. */
  meet(origin: Origin): void {
    this.#known(origin);
  }

  /** Binary bytes of a publisher, cut anywhere. Not kept. */
  push(origin: Origin, bytes: Uint8Array, now: Millis): void {
    this.#now = now;
    this.#known(origin).cutter.push(bytes);
  }

  /** A foreign message that streams carry beside their picture. */
  pushData(bytes: Uint8Array, now: Millis): void {
    if (this.#budget.admits(bytes.byteLength, now)) this.feed.pushData(bytes, now);
  }

  /** The publisher has ended. */
  end(publisher: object, now: Millis): void {
    const known = this.#publishers.get(publisher);
    if (!known) return;
    this.#now = now;
    known.cutter.end();
    this.#publishers.delete(publisher);
    if (known !== this.#current) return;
    this.#current = undefined;
    this.feed.interrupt(now);
  }

  #known({ publisher: key, from, isFar }: Origin): Publisher {
    const known = this.#publishers.get(key);
    if (known) return known;
    const publisher: Publisher = {
      from,
      cutter: new MessageCutter({ onMessage: (bytes, mark) => this.#take(publisher, bytes, mark) }),
      hasLed: isFar,
      heardAt: this.#now,
      tables: undefined,
    };
    this.#publishers.set(key, publisher);
    return publisher;
  }

  #take(publisher: Publisher, bytes: Uint8Array, mark: MessageMark): void {
    if (publisher.cutter.stats.format !== 'mpegts') {
      this.#options.onForeign(bytes, publisher.from);
      return;
    }
    if (!this.#isMedia) {
      this.#isMedia = true;
      this.#options.onMedia();
    }
    if (publisher === this.#current || this.#mayLead(publisher, mark)) {
      if (publisher !== this.#current) this.#lead(publisher);
      publisher.heardAt = this.#now;
      this.feed.push(bytes, this.#now);
    } else {
      publisher.tables ??= new ProgramTables();
      publisher.tables.push(bytes);
    }
  }

  #mayLead(publisher: Publisher, mark: MessageMark): boolean {
    if (!this.#current) return true;
    if (!mark.randomAccess) return false;
    return !publisher.hasLed || this.#now - this.#current.heardAt >= SILENT_MS;
  }

  #lead(publisher: Publisher): void {
    if (this.#current) {
      this.#takeovers++;
      this.feed.interrupt(this.#now);
    }
    this.#current = publisher;
    publisher.hasLed = true;
    // Its tables came before its turn did.
    const tables = publisher.tables?.packets();
    publisher.tables = undefined;
    if (tables) this.feed.push(tables, this.#now);
  }
}
