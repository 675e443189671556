import { useMemo } from 'preact/hooks';
import { may } from '../account/me.ts';
import { useMe } from '../account/use-me.ts';
import { hrefs } from '../route.ts';
import { CameraPanel } from './camera/camera-panel.tsx';
import { FilmCard } from './film-card.tsx';
import { moveAmongFilms } from './film-keys.ts';
import type { Filter } from './filter.ts';
import { useFilms } from './use-films.ts';

/** So many of the newest films are on a device's page. */
const SHOWN = 6;

/** A device's camera and its newest films; for who may see them. */
export function DeviceCaptures({ device, isOnline }: { device: string; isOnline: boolean }) {
  const { me } = useMe();
  const maySee = may(me, 'captures', device);
  if (!maySee && !may(me, 'command', device)) return null;
  return (
    <section aria-labelledby="captures">
      <div class="section-head">
        <h2 id="captures">Captures</h2>
        {maySee && (
          <a class="button quiet" href={hrefs.captures({ kind: 'all', device })}>
            See all
          </a>
        )}
      </div>
      <CameraPanel device={device} isOnline={isOnline} />
      {maySee && <Newest device={device} />}
    </section>
  );
}

function Newest({ device }: { device: string }) {
  const filter = useMemo<Filter>(() => ({ kind: 'all', device }), [device]);
  const { films, isKnown } = useFilms(filter, () => undefined);
  if (!isKnown) return null;
  if (films.length === 0) {
    return (
      <p class="hint">
        No films yet. A camera program names its films to the agent; by hand it is{' '}
        <code>perch captures push FILM.mp4</code> on the device.
      </p>
    );
  }
  return (
    <ul class="films few" onKeyDown={moveAmongFilms}>
      {films.slice(0, SHOWN).map((film) => (
        <li key={film.id}>
          <FilmCard film={film} device={undefined} filter={filter} showsDay />
        </li>
      ))}
    </ul>
  );
}
