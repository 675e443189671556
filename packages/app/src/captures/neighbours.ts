import { useEffect, useState } from 'preact/hooks';
import { ask } from '../http/ask.ts';
import { CAPTURES, type Capture, decodeCaptures } from './capture.ts';
import { type Filter, queryOf } from './filter.ts';
import { knownFilms } from './use-films.ts';

/** The films before and after one, among those of a filter. */
export interface Neighbours {
  readonly earlier: string | undefined;
  readonly later: string | undefined;
}

/** Those that the timeline knew, at once; else those that the relay knows. */
export function useNeighbours(film: Capture | undefined, filter: Filter): Neighbours {
  const [asked, setAsked] = useState<Neighbours>({ earlier: undefined, later: undefined });
  const known = knownFilms(filter);
  const at = known.findIndex(({ id }) => id === film?.id);
  const earlier = at === -1 ? undefined : known[at + 1]?.id;
  const later = known[at - 1]?.id;
  useEffect(() => {
    if (!film || (earlier !== undefined && later !== undefined)) return;
    const scope = new AbortController();
    const { signal } = scope;
    void Promise.all([
      earlier ?? earlierThan(film, filter, signal),
      // The first of the timeline may not be the newest any more.
      later ?? laterThan(film, filter, signal),
    ]).then(([before, after]) => {
      if (!signal.aborted) setAsked({ earlier: before, later: after });
    });
    return () => scope.abort();
  }, [film?.id, filter, earlier, later]);
  return { earlier: earlier ?? asked.earlier, later: later ?? asked.later };
}

async function earlierThan(film: Capture, filter: Filter, signal: AbortSignal): Promise<string | undefined> {
  const path = `${CAPTURES}?${queryOf(filter)}&after=${film.id}&limit=1`;
  const answer = await ask(path, decodeCaptures, { signal });
  return answer.ok ? answer.value[0]?.id : undefined;
}

const MINUTE = 60_000;
/** How far ahead is looked for the next film: lists come with the newest first, so a short look is a short list. */
const looks = [10 * MINUTE, 1_440 * MINUTE, 43_200 * MINUTE, undefined];
const PAGE = 200;

async function laterThan(film: Capture, filter: Filter, signal: AbortSignal): Promise<string | undefined> {
  for (const ahead of looks) {
    const query = new URLSearchParams(queryOf(filter));
    query.set('since', new Date(film.at).toISOString());
    const until = ahead === undefined ? undefined : film.at + ahead;
    const ends = Date.parse(query.get('until') ?? '');
    if (until !== undefined && !(until > ends)) query.set('until', new Date(until).toISOString());
    query.set('limit', String(PAGE));
    let next: Capture | undefined;
    for (let after = ''; ; ) {
      const answer = await ask(`${CAPTURES}?${query}${after}`, decodeCaptures, { signal });
      if (!answer.ok) return undefined;
      const here = answer.value.findIndex(({ id }) => id === film.id);
      const newer = here === -1 ? answer.value : answer.value.slice(0, here);
      next = newer.at(-1) ?? next;
      if (here !== -1 || answer.value.length < PAGE) break;
      after = `&after=${next?.id}`;
    }
    if (next) return next.id;
  }
  return undefined;
}
