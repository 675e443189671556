import type { StateItem } from '@perch/protocol';
import type { Sight } from './device-link.ts';

/** How much of a device somebody gets to see: guests not where it sends, what it runs, if it is armed, what moves. */
export type Insight = 'all' | 'guest';

/** Of many readers of one moment each gets the same text. */
const texts = { all: new WeakMap<Sight, string>(), guest: new WeakMap<Sight, string>() } as const;

/** What is known of a device, as the API shows it: JSON. */
export function shownSight(sight: Sight, insight: Insight): string {
  const known = texts[insight].get(sight);
  if (known !== undefined) return known;
  const { online, at, state } = sight;
  const shown =
    insight === 'all' || !state
      ? state
      : {
          ...state,
          feeds: state.feeds.map(withoutMotion),
          streams: state.streams.map(withoutMotion),
          destinations: [],
          sources: [],
          cameras: [],
        };
  const text = JSON.stringify({
    online,
    at: at === undefined ? null : new Date(at).toISOString(),
    state: shown ?? null,
  });
  texts[insight].set(sight, text);
  return text;
}

const withoutMotion = ({ motion: _, ...rest }: StateItem): StateItem => rest;
