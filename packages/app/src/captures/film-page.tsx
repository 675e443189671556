import { useEffect, useLayoutEffect, useMemo, useState } from 'preact/hooks';
import { may, mayLookAround } from '../account/me.ts';
import { useMe } from '../account/use-me.ts';
import { useDeviceNames } from '../devices/device.ts';
import { Asking } from '../frame/asking.tsx';
import { Icon } from '../frame/icon.tsx';
import { navigate } from '../frame/navigate.ts';
import { Page } from '../frame/page.tsx';
import { Fields } from '../http/fields.ts';
import { useAsked } from '../http/use-asked.ts';
import { useEvents } from '../http/use-events.ts';
import { hrefs, parseRoute } from '../route.ts';
import { showMoment } from '../words/time.ts';
import { type CaptureDetail, decodeDetail, newsPath, pathOf } from './capture.ts';
import { alarmsIn, useAlarms } from './film-alarms.ts';
import { FilmDeeds } from './film-deeds.tsx';
import { FilmFacts } from './film-facts.tsx';
import { FilmScreen } from './film-screen.tsx';
import type { Filter } from './filter.ts';
import { lastOpened } from './last-opened.ts';
import { useNeighbours } from './neighbours.ts';
import { ShareList } from './share-list.tsx';

/** While it arrives a film is asked for this often, should an event be missed. */
const PERIOD_MS = 5_000;

/** One film: it plays at once, also while it arrives. */
export function FilmPage({ id, filter }: { id: string; filter: Filter }) {
  const { me } = useMe();
  const [isArriving, setArriving] = useState(true);
  const asked = useAsked(pathOf(id), decodeDetail, isArriving ? PERIOD_MS : undefined);
  const film = asked.value;
  const names = useDeviceNames(true);
  useEffect(() => lastOpened.note(id), [id]);
  useEffect(() => setArriving(!film?.isComplete), [film?.isComplete]);
  useEvents(film && newsPath(film.device), 'capture removed alarm again', (_kind, value) => {
    const { id: of, capture } = namesIn(value);
    if (of === id || capture === id || of === undefined) void asked.reload();
  });
  const back = { href: hrefs.captures(filter), label: 'All films' };
  if (asked.problem?.kind === 'missing') {
    return (
      <Page title="Film" back={back}>
        <div class="empty">
          <h2>This film is not here any more</h2>
          <p>It was deleted, or was older than what the household keeps.</p>
          <a class="button" href={back.href}>
            See all films
          </a>
        </div>
      </Page>
    );
  }
  const title = film ? (names.get(film.device) ?? film.device) : 'Film';
  return (
    <Page title={title} back={back} width="roomy" actions={film && showMoment(film.at, Date.now())}>
      <Asking asked={asked} />
      {film && (
        <TheFilm
          film={film}
          filter={filter}
          name={title}
          mayChange={mayLookAround(me) && may(me, 'captures', film.device)}
          onChanged={asked.reload}
        />
      )}
    </Page>
  );
}

/** Of which film news are. */
function namesIn(value: unknown): { id: string | undefined; capture: string | undefined } {
  const fields = new Fields(value);
  return { id: fields.maybeText('id'), capture: fields.maybeText('capture') };
}

function TheFilm({
  film,
  filter,
  name,
  mayChange,
  onChanged,
}: {
  film: CaptureDetail;
  filter: Filter;
  name: string;
  mayChange: boolean;
  onChanged: () => Promise<void>;
}) {
  const alarms = useAlarms(film);
  const marks = useMemo(() => alarmsIn(film, alarms), [film, alarms]);
  return (
    <>
      <FilmScreen film={film} alarms={marks} />
      <Neighbours film={film} filter={filter} />
      <FilmDeeds film={film} name={name} filter={filter} mayChange={mayChange} onChanged={onChanged} />
      <FilmFacts film={film} />
      {mayChange && <ShareList film={film.id} />}
    </>
  );
}

/** The ways to the films before and after, by tap and by arrow. */
function Neighbours({ film, filter }: { film: CaptureDetail; filter: Filter }) {
  const { earlier, later } = useNeighbours(film, filter);
  // With the film itself: keys work from the moment that it is seen.
  useLayoutEffect(() => {
    const go = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey) return;
      // In the player and in dialogs the arrows have their own meaning.
      const isElsewhere =
        event.target instanceof Element && event.target.closest('video, input, select, dialog');
      const next = { ArrowLeft: earlier, ArrowRight: later }[event.key];
      if (!isElsewhere && next !== undefined && isAt(film)) navigate(hrefs.film(next, filter));
    };
    addEventListener('keydown', go);
    return () => removeEventListener('keydown', go);
  }, [film.id, earlier, later, filter]);
  return (
    <nav class="neighbours" aria-label="Other films">
      <Neighbour id={earlier} filter={filter} isEarlier />
      <Neighbour id={later} filter={filter} isEarlier={false} />
    </nav>
  );
}

/** The address still names this film: it changes a moment before the page does. */
function isAt({ id }: CaptureDetail): boolean {
  const route = parseRoute(location.hash);
  return route.page === 'film' && route.id === id;
}

function Neighbour({
  id,
  filter,
  isEarlier,
}: {
  id: string | undefined;
  filter: Filter;
  isEarlier: boolean;
}) {
  const words = isEarlier ? 'Earlier' : 'Later';
  const face = (
    <>
      {isEarlier && <Icon name="back" />} {words} {!isEarlier && <Icon name="forward" />}
    </>
  );
  if (id === undefined) {
    return (
      <button type="button" class="quiet" disabled aria-label={`No ${words.toLowerCase()} film`}>
        {face}
      </button>
    );
  }
  return (
    <a class="button quiet" href={hrefs.film(id, filter)} title={isEarlier ? 'Arrow left' : 'Arrow right'}>
      {face}
    </a>
  );
}
