import { useMemo } from 'preact/hooks';
import { Icon } from '../frame/icon.tsx';
import { count, showClock, showDay } from '../words/time.ts';
import { useNow } from '../words/use-now.ts';
import type { Alarm, Capture } from './capture.ts';
import { dayOf } from './day.ts';
import { FilmCard } from './film-card.tsx';
import { moveAmongFilms } from './film-keys.ts';
import type { Filter } from './filter.ts';

/** Films by day, the newest first, with the alarms that no film tells of. */
export function FilmDays({
  films,
  alarms,
  filter,
  names,
}: {
  films: readonly Capture[];
  alarms: readonly Alarm[];
  filter: Filter;
  /** Of devices, by id. */
  names: ReadonlyMap<string, string>;
}) {
  const now = useNow(60_000);
  const days = useMemo(() => daysOf(films, alarms), [films, alarms]);
  const nameOf = (device: string) =>
    filter.device === undefined ? (names.get(device) ?? device) : undefined;
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the keys are of the links inside
    <div class="film-days" onKeyDown={moveAmongFilms}>
      {days.map(({ day, at, films: some, alarms: alone }) => (
        <section key={day} aria-label={showDay(at, now)}>
          <h2 class="day">
            {showDay(at, now)}
            {some.length > 0 && <small>{count(some.length, 'film')}</small>}
          </h2>
          {alone.length > 0 && (
            <ul class="lone-alarms">
              {alone.map((alarm) => (
                <li key={`${alarm.device} ${alarm.id}`}>
                  <Icon name="bell" /> {showClock(alarm.at)} Alarm without a film
                  {nameOf(alarm.device) !== undefined && `, ${nameOf(alarm.device)}`}
                </li>
              ))}
            </ul>
          )}
          <ul class="films">
            {some.map((film) => (
              <li key={film.id}>
                <FilmCard film={film} device={nameOf(film.device)} filter={filter} />
              </li>
            ))}
          </ul>
        </section>
      ))}
    </div>
  );
}

interface FilmDay {
  readonly day: string;
  /** A moment of it. */
  readonly at: number;
  readonly films: readonly Capture[];
  readonly alarms: readonly Alarm[];
}

function daysOf(films: readonly Capture[], alarms: readonly Alarm[]): FilmDay[] {
  const byDay = Map.groupBy(films, ({ at }) => dayOf(at));
  const alarmsByDay = Map.groupBy(alarms, ({ at }) => dayOf(at));
  return [...new Set([...byDay.keys(), ...alarmsByDay.keys()])]
    .sort()
    .reverse()
    .map((day) => {
      const some = byDay.get(day) ?? [];
      const alone = alarmsByDay.get(day) ?? [];
      return { day, at: (some[0] ?? alone[0])?.at ?? 0, films: some, alarms: alone };
    });
}
