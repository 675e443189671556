import type { MessageMark } from '@perch/mpegts';

/** For now: the shape of what `@perch/mpegts` will bring. */
export interface TimedFeed {
  readonly name: string;
  delayMs: number;
  push(bytes: Uint8Array, nowMs: number): void;
  pushData(bytes: Uint8Array, nowMs: number): void;
  interrupt(nowMs: number): void;
}

export interface Combiner {
  setFeeds(feeds: readonly TimedFeed[], nowMs: number, options?: { readonly keepUntilReady?: boolean }): void;
  tick(nowMs: number): void;
  close(): void;
}

/** What makes them. */
export interface Combining {
  makeFeed(options: { readonly name: string; readonly delayMs: number }): TimedFeed;
  makeCombiner(options: { onMessage(bytes: Uint8Array, mark: MessageMark): void }): Combiner;
}

/** Until then: what the feeds carry, side by side, as before. */
export const passing: Combining = {
  makeFeed: ({ name, delayMs }) => new PassingFeed(name, delayMs),
  makeCombiner: ({ onMessage }) => {
    let feeds: readonly PassingFeed[] = [];
    const leave = () => {
      for (const feed of feeds) feed.hearers.delete(onMessage);
    };
    return {
      setFeeds(next) {
        leave();
        feeds = next as readonly PassingFeed[];
        for (const feed of feeds) feed.hearers.add(onMessage);
      },
      tick: () => undefined,
      close: leave,
    };
  },
};

class PassingFeed implements TimedFeed {
  readonly name: string;
  delayMs: number;
  readonly hearers = new Set<(bytes: Uint8Array, mark: MessageMark) => void>();

  constructor(name: string, delayMs: number) {
    this.name = name;
    this.delayMs = delayMs;
  }

  push(bytes: Uint8Array): void {
    for (const hear of this.hearers) hear(bytes, { randomAccess: true, class: 'data' });
  }

  pushData(bytes: Uint8Array): void {
    this.push(bytes);
  }

  interrupt(): void {
    // nothing is kept
  }
}
