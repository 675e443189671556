import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { ask } from '../http/ask.ts';
import { Fields } from '../http/fields.ts';
import type { Problem } from '../http/problem.ts';
import { type Asked, recall, remember, useAsked } from '../http/use-asked.ts';
import { useEvents } from '../http/use-events.ts';
import { CAPTURES, type Capture, decodeCapture, decodeCaptures, newsPath } from './capture.ts';
import { type FilmList, noFilms, withFilm, withHead, withoutFilm, withTail } from './film-list.ts';
import { type Filter, matches, queryOf } from './filter.ts';

/** So many films are asked for at once. */
const PAGE = 60;
/** What is newest is asked for this often too: an event may have been missed. */
const PERIOD_MS = 30_000;

/** Films of a filter, as far as they were asked for, and what comes while one looks. */
export interface Films extends FilmList {
  /** Whether the first answer is there: before, no films mean nothing. */
  readonly isKnown: boolean;
  readonly head: Asked<unknown>;
  /** Why what is older could not be had. */
  readonly problem: Problem | undefined;
  /** Asks for what is older. One question at a time. */
  more(): void;
}

const pathOfFilter = (filter: Filter): string =>
  `${CAPTURES}?${[queryOf(filter), `limit=${PAGE}`].filter(Boolean).join('&')}`;
const keyOf = (path: string): string => `list ${path}`;

/** What was loaded of a filter, where somebody looked at it before. */
export const knownFilms = (filter: Filter): readonly Capture[] =>
  recall<FilmList>(keyOf(pathOfFilter(filter)))?.films ?? [];

/** Takes a film that was deleted from what is known of a filter. */
export function forgetFilm(filter: Filter, id: string): void {
  const key = keyOf(pathOfFilter(filter));
  const list = recall<FilmList>(key);
  if (list) remember(key, withoutFilm(list, id));
}

/** @param onAlarm told when a device raised an alarm. */
export function useFilms(filter: Filter, onAlarm: () => void): Films {
  const path = pathOfFilter(filter);
  const before = (of: string): FilmList => recall<FilmList>(keyOf(of)) ?? noFilms;
  const [state, setState] = useState(() => ({ path, list: before(path) }));
  const [problem, setProblem] = useState<Problem>();
  const head = useAsked(path, decodeCaptures, PERIOD_MS);
  const list = state.path === path ? state.list : before(path);
  const isAsking = useRef<string>(undefined);

  const change = useCallback(
    (next: (list: FilmList) => FilmList) =>
      setState((last) => {
        const changed = next(last.path === path ? last.list : before(path));
        remember(keyOf(path), changed);
        return { path, list: changed };
      }),
    [path],
  );
  useEffect(() => {
    const { value } = head;
    if (value) change((known) => withHead(known, value, PAGE));
  }, [head.value, change]);
  useEvents(newsPath(filter.device), NEWS, (kind, value) => {
    if (kind === 'alarm') return onAlarm();
    if (kind === 'again') return void head.reload(); // some news may have been missed
    const film = decodeCapture(new Fields(value));
    const isHere = kind === 'capture' && film && matches(filter, film);
    if (isHere) change((known) => withFilm(known, film));
    else change((known) => withoutFilm(known, new Fields(value).text('id')));
  });

  const more = () => {
    const last = list.films.at(-1);
    const next = `${path}&after=${last?.id}`;
    if (!last || list.isAtEnd || isAsking.current === next) return;
    isAsking.current = next;
    setProblem(undefined);
    void ask(next, decodeCaptures).then((answer) => {
      isAsking.current = undefined;
      if (answer.ok) change((known) => withTail(known, answer.value, PAGE));
      // The last one was deleted meanwhile: the list is put right first.
      else if (answer.problem.kind === 'missing') void head.reload();
      else setProblem(answer.problem);
    });
  };
  const isKnown = list !== noFilms && (list.isAtEnd || list.films.length > 0);
  return { ...list, isKnown, head, problem, more };
}

const NEWS = 'capture removed alarm again';
