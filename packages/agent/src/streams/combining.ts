import { Combiner, TimedFeed } from '@perch/mpegts';

/** What makes feeds and combiners, so that a test can put others in their place. */
export interface Combining {
  makeFeed(options: ConstructorParameters<typeof TimedFeed>[0]): TimedFeed;
  makeCombiner(options: ConstructorParameters<typeof Combiner>[0]): Combiner;
}

/** The real ones. */
export const combining: Combining = {
  makeFeed: (options) => new TimedFeed(options),
  makeCombiner: (options) => new Combiner(options),
};
