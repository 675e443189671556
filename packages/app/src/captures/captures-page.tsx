import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { may, mayLookAround } from '../account/me.ts';
import { useMe } from '../account/use-me.ts';
import { useDevices } from '../devices/device.ts';
import { Asking } from '../frame/asking.tsx';
import { Trouble } from '../frame/form.tsx';
import { Icon } from '../frame/icon.tsx';
import { replaceAddress } from '../frame/navigate.ts';
import { Page } from '../frame/page.tsx';
import { useAsked } from '../http/use-asked.ts';
import { hrefs } from '../route.ts';
import { CameraPanel } from './camera/camera-panel.tsx';
import { type Alarm, CAPTURES, decodeAlarms } from './capture.ts';
import { endOf } from './day.ts';
import { DayStrip } from './day-strip.tsx';
import { FilmDays } from './film-days.tsx';
import { type Filter, isWithin } from './filter.ts';
import { FilterBar } from './filter-bar.tsx';
import { lastOpened } from './last-opened.ts';
import { NoFilms } from './no-films.tsx';
import { RetentionDialog } from './retention-dialog.tsx';
import { type Films, useFilms } from './use-films.ts';

const SLOWLY_MS = 30_000;

/** What cameras filmed, as a timeline: the newest first, by day. */
export function CapturesPage({ filter }: { filter: Filter }) {
  const { me } = useMe();
  const devices = useDevices(SLOWLY_MS);
  const alarms = useAsked(alarmPath(filter), decodeAlarms, SLOWLY_MS);
  const films = useFilms(filter, () => void alarms.reload());
  const [isSetting, setSetting] = useState(false);
  const names = useMemo(() => new Map(devices.value?.map(({ id, name }) => [id, name])), [devices.value]);
  const alone = useMemo(
    () =>
      filter.kind === 'all' || filter.kind === 'alarm' ? withoutFilm(alarms.value ?? [], films, filter) : [],
    [alarms.value, films.films, films.isAtEnd, filter],
  );
  useComeBack(films.isKnown);
  const onFilter = (next: Filter) => replaceAddress(hrefs.captures(next));
  const mine = devices.value?.filter(({ id }) => may(me, 'captures', id)) ?? [];
  // What one camera is told stands above its own films.
  const only = mine.length === 1 ? mine[0] : mine.find(({ id }) => id === filter.device);
  const settings = mayLookAround(me) && (
    <button
      type="button"
      class="quiet round"
      aria-label="How long films are kept"
      onClick={() => setSetting(true)}
    >
      <Icon name="settings" />
    </button>
  );
  const isEmpty = films.isKnown && films.films.length === 0 && alone.length === 0;
  // Where there is nothing at all there is nothing to choose from.
  const isBare = isEmpty && filter.kind === 'all' && filter.day === undefined && filter.device === undefined;
  return (
    <Page title="Captures" width="wide" actions={settings}>
      {!isBare && (
        <div class="film-choice">
          <FilterBar filter={filter} devices={mine} onFilter={onFilter} />
          <DayStrip
            device={filter.device}
            chosen={filter.day}
            onChosen={(day) => onFilter({ ...filter, day })}
          />
        </div>
      )}
      {only && <CameraPanel key={only.id} device={only.id} isOnline={only.online} isSmall />}
      <Asking asked={films.isKnown ? { ...films.head, value: films } : films.head} />
      {isEmpty && <NoFilms filter={filter} onAll={() => onFilter({ kind: 'all', device: filter.device })} />}
      <FilmDays films={films.films} alarms={alone} filter={filter} names={names} />
      {films.films.length > 0 && !films.isAtEnd && <More films={films} />}
      {isSetting && <RetentionDialog isOwner={me.role === 'owner'} onClose={() => setSetting(false)} />}
    </Page>
  );
}

const MOST_ALARMS = 200;

function alarmPath({ device, day }: Filter): string {
  const query = new URLSearchParams({
    ...(device !== undefined && { device }),
    ...(day !== undefined && { until: new Date(endOf(day) - 1).toISOString() }),
    limit: String(MOST_ALARMS),
  });
  return `${CAPTURES}/alarms?${query}`;
}

/** Alarms that no film tells of, of the time from which films are shown. */
function withoutFilm(alarms: readonly Alarm[], { films, isAtEnd }: Films, { day }: Filter): Alarm[] {
  const oldest = isAtEnd ? 0 : (films.at(-1)?.at ?? 0);
  return alarms.filter(({ capture, at }) => capture === undefined && at >= oldest && isWithin(day, at));
}

/** Who comes back from a film goes on at its card. */
function useComeBack(isKnown: boolean): void {
  useEffect(() => {
    if (!isKnown) return;
    const id = lastOpened.take();
    // After the page has put itself at its begin.
    if (id !== undefined) requestAnimationFrame(() => show(id));
  }, [isKnown]);
}

function show(id: string): void {
  const card = document.getElementById(`film-${id}`);
  card?.scrollIntoView({ block: 'center' });
  card?.focus({ preventScroll: true });
}

/** Asks for more films when one comes near the end of those that are here. */
function More({ films }: { films: Films }) {
  const element = useRef<HTMLDivElement>(null);
  const { more } = films;
  const ask = useRef(more);
  ask.current = more;
  const count = films.films.length;
  useEffect(() => {
    // Anew after each page: what is still in sight asks again.
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some(({ isIntersecting }) => isIntersecting)) ask.current();
      },
      { rootMargin: '1200px' },
    );
    if (element.current && count > 0) observer.observe(element.current);
    return () => observer.disconnect();
  }, [count]);
  return (
    <div ref={element} class="more">
      <Trouble problem={films.problem} />
      {films.problem && (
        <button type="button" onClick={more}>
          Try again
        </button>
      )}
      {!films.problem && <p class="patience centred">Loading …</p>}
    </div>
  );
}
