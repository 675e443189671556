import { Combiner, type MessageMark, TimedFeed } from '@perch/mpegts';
import type { Combining } from '../combining.ts';

type Entry =
  | { readonly kind: 'media' | 'data'; readonly bytes: Uint8Array; readonly at: number }
  | { readonly kind: 'interrupt'; readonly at: number };

/** A feed that writes down what happens to it. */
export class FakeFeed extends TimedFeed {
  readonly log: Entry[] = [];
  readonly combiners = new Set<FakeCombiner>();

  override push(bytes: Uint8Array, at: number): void {
    this.log.push({ kind: 'media', bytes: bytes.slice(), at });
    for (const combiner of this.combiners) combiner.take(this, bytes);
  }

  override pushData(bytes: Uint8Array, at: number): void {
    this.log.push({ kind: 'data', bytes: bytes.slice(), at });
    for (const combiner of this.combiners) combiner.take(this, bytes);
  }

  override interrupt(at: number): void {
    this.log.push({ kind: 'interrupt', at });
  }
}

/** A combiner that puts the name of the feed before what it was given. */
export class FakeCombiner extends Combiner {
  readonly #onMessage: (bytes: Uint8Array, mark: MessageMark) => void;
  /** Feeds of each change, with `+` at the end where old ones were to stay until new ones are ready. */
  readonly changes: string[] = [];
  ticks = 0;
  isClosed = false;
  #feeds: readonly FakeFeed[] = [];

  constructor(options: ConstructorParameters<typeof Combiner>[0]) {
    super(options);
    this.#onMessage = options.onMessage;
  }

  take(feed: FakeFeed, bytes: Uint8Array): void {
    const message = Buffer.concat([Buffer.from(`${feed.name}:`), bytes]);
    this.#onMessage(message, { randomAccess: false, class: 'data' });
  }

  override setFeeds(
    feeds: readonly TimedFeed[],
    _now: number,
    options: { keepUntilReady?: boolean } = {},
  ): void {
    for (const feed of this.#feeds) feed.combiners.delete(this);
    this.#feeds = feeds as readonly FakeFeed[];
    for (const feed of this.#feeds) feed.combiners.add(this);
    this.changes.push(feeds.map(({ name }) => name).join(' ') + (options.keepUntilReady ? ' +' : ''));
  }

  override tick(): void {
    this.ticks++;
  }

  override close(): void {
    this.setFeeds([], 0);
    this.isClosed = true;
  }
}

/** Makes fakes and keeps them. */
export class FakeCombining implements Combining {
  readonly feeds: FakeFeed[] = [];
  readonly combiners: FakeCombiner[] = [];

  makeFeed(options: Parameters<Combining['makeFeed']>[0]): FakeFeed {
    const feed = new FakeFeed(options);
    this.feeds.push(feed);
    return feed;
  }

  makeCombiner(options: Parameters<Combining['makeCombiner']>[0]): FakeCombiner {
    const combiner = new FakeCombiner(options);
    this.combiners.push(combiner);
    return combiner;
  }
}
