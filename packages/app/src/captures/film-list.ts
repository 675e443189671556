import type { Capture } from './capture.ts';

/** Films as a timeline has them: each once, the newest first. A film that did not change stays the same object. */
export interface FilmList {
  readonly films: readonly Capture[];
  /** There is nothing older. */
  readonly isAtEnd: boolean;
}

export const noFilms: FilmList = { films: [], isAtEnd: false };

/** The relay's order: by time, the newest first, and by id within a second. */
export const inOrder = (a: Capture, b: Capture): number => b.at - a.at || (a.id < b.id ? -1 : 1);

/**
 * Takes in the first page, which says what is newest now: what it leaves out of its own reach is gone.
 *
 * @param pageSize so many were asked for: fewer are all there are.
 */
export function withHead(list: FilmList, head: readonly Capture[], pageSize: number): FilmList {
  const last = head.at(-1);
  const isWhole = head.length < pageSize;
  const older = last && !isWhole ? list.films.filter((film) => inOrder(last, film) < 0) : [];
  // Without a bond to what was known there may be a gap: then what is older is asked for again.
  const isBound = isWhole || list.films.some(({ id }) => id === last?.id);
  const films = isBound ? [...head, ...older] : [...head];
  return { films: sameWhereAlike(list.films, films), isAtEnd: isWhole || (isBound && list.isAtEnd) };
}

/** Takes in the page that comes after what is known. */
export function withTail(list: FilmList, tail: readonly Capture[], pageSize: number): FilmList {
  const known = new Set(list.films.map(({ id }) => id));
  const fresh = tail.filter(({ id }) => !known.has(id));
  return { films: [...list.films, ...fresh], isAtEnd: tail.length < pageSize };
}

/** Takes in one film that began or changed. One that lies beyond the pages that are here comes with its page. */
export function withFilm(list: FilmList, film: Capture): FilmList {
  const last = list.films.at(-1);
  if (!list.isAtEnd && last && inOrder(last, film) < 0) return list;
  const others = list.films.filter(({ id }) => id !== film.id);
  const at = others.findIndex((other) => inOrder(film, other) < 0);
  const films = others.toSpliced(at === -1 ? others.length : at, 0, film);
  return { ...list, films: sameWhereAlike(list.films, films) };
}

export function withoutFilm(list: FilmList, id: string): FilmList {
  const films = list.films.filter((film) => film.id !== id);
  return films.length === list.films.length ? list : { ...list, films };
}

function sameWhereAlike(before: readonly Capture[], films: readonly Capture[]): Capture[] {
  const known = new Map(before.map((film) => [film.id, film]));
  return films.map((film) => {
    const old = known.get(film.id);
    return old && isAlike(old, film) ? old : film;
  });
}

const isAlike = (one: Capture, other: Capture): boolean =>
  (Object.keys(one) as (keyof Capture)[]).every((key) => one[key] === other[key]);
