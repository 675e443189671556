import type { MessageMark } from '@perch/mpegts';
import type { Combiner, Combining, TimedFeed } from '../combining.ts';

type Entry =
  | { readonly kind: 'media' | 'data'; readonly bytes: Uint8Array; readonly at: number }
  | { readonly kind: 'interrupt'; readonly at: number };

/** A feed that writes down what happens to it. */
export class FakeFeed implements TimedFeed {
  readonly name: string;
  delayMs: number;
  readonly log: Entry[] = [];
  readonly combiners = new Set<FakeCombiner>();

  constructor(name: string, delayMs = 0) {
    this.name = name;
    this.delayMs = delayMs;
  }

  push(bytes: Uint8Array, at: number): void {
    this.log.push({ kind: 'media', bytes: bytes.slice(), at });
    for (const combiner of this.combiners) combiner.take(this, bytes);
  }

  pushData(bytes: Uint8Array, at: number): void {
    this.log.push({ kind: 'data', bytes: bytes.slice(), at });
    for (const combiner of this.combiners) combiner.take(this, bytes);
  }

  interrupt(at: number): void {
    this.log.push({ kind: 'interrupt', at });
  }
}

/** A combiner that puts the name of the feed before what it was given. */
export class FakeCombiner implements Combiner {
  readonly onMessage: (bytes: Uint8Array, mark: MessageMark) => void;
  /** Feeds of each change, with `+` at the end where old ones were to stay until new ones are ready. */
  readonly changes: string[] = [];
  ticks = 0;
  isClosed = false;
  #feeds: readonly FakeFeed[] = [];

  constructor(onMessage: (bytes: Uint8Array, mark: MessageMark) => void) {
    this.onMessage = onMessage;
  }

  take(feed: FakeFeed, bytes: Uint8Array): void {
    const message = Buffer.concat([Buffer.from(`${feed.name}:`), bytes]);
    this.onMessage(message, { randomAccess: false, class: 'data' });
  }

  setFeeds(feeds: readonly TimedFeed[], _now: number, options: { keepUntilReady?: boolean } = {}): void {
    for (const feed of this.#feeds) feed.combiners.delete(this);
    this.#feeds = feeds as readonly FakeFeed[];
    for (const feed of this.#feeds) feed.combiners.add(this);
    this.changes.push(feeds.map(({ name }) => name).join(' ') + (options.keepUntilReady ? ' +' : ''));
  }

  tick(): void {
    this.ticks++;
  }

  close(): void {
    this.setFeeds([], 0);
    this.isClosed = true;
  }
}

/** Makes fakes and keeps them. */
export class FakeCombining implements Combining {
  readonly feeds: FakeFeed[] = [];
  readonly combiners: FakeCombiner[] = [];

  makeFeed({ name, delayMs }: { name: string; delayMs: number }): FakeFeed {
    const feed = new FakeFeed(name, delayMs);
    this.feeds.push(feed);
    return feed;
  }

  makeCombiner({ onMessage }: Parameters<Combining['makeCombiner']>[0]): FakeCombiner {
    const combiner = new FakeCombiner(onMessage);
    this.combiners.push(combiner);
    return combiner;
  }
}
