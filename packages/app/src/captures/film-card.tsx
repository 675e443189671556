import { useMemo } from 'preact/hooks';
import { hrefs } from '../route.ts';
import { showClock, showMoment } from '../words/time.ts';
import type { Capture } from './capture.ts';
import { labelOf, progressOf } from './capture-words.ts';
import type { Filter } from './filter.ts';
import { ScrubPicture } from './scrub-picture.tsx';

/** A film in a timeline. @param device its name, where films of several are shown. */
export function FilmCard({
  film,
  device,
  filter,
  showsDay = false,
}: {
  film: Capture;
  device: string | undefined;
  filter: Filter;
  /** Where no heading names it. */
  showsDay?: boolean;
}) {
  // Thousands of them are on a page, and few change.
  return useMemo(() => {
    const now = Date.now();
    return (
      <a
        class="film-card"
        id={`film-${film.id}`}
        href={hrefs.film(film.id, filter)}
        aria-label={labelOf(film, device, now)}
        draggable={false}
      >
        <ScrubPicture film={film} progress={progressOf(film, now)} />
        <span class="film-line">
          <strong>{showsDay ? showMoment(film.at, now) : showClock(film.at)}</strong>
          {device !== undefined && <span>{device}</span>}
        </span>
      </a>
    );
  }, [film, device, filter, showsDay]);
}
