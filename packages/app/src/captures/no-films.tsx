import { mayLookAround } from '../account/me.ts';
import { useMe } from '../account/use-me.ts';
import { SecretText } from '../frame/secret-text.tsx';
import { hrefs } from '../route.ts';
import { showDay } from '../words/time.ts';
import { beginOf } from './day.ts';
import type { Filter } from './filter.ts';

/** What a timeline says in which there is nothing: why, and what to do next. */
export function NoFilms({ filter, onAll }: { filter: Filter; onAll: () => void }) {
  const { me } = useMe();
  const { kind, day } = filter;
  if (kind !== 'all' || day !== undefined) {
    return (
      <div class="empty">
        <h2>{wordsOf(filter)}</h2>
        <button type="button" onClick={onAll}>
          Show all films
        </button>
      </div>
    );
  }
  if (!mayLookAround(me)) {
    return (
      <div class="empty">
        <h2>No films yet</h2>
        <p>What the cameras film that are shared with you shows up here.</p>
      </div>
    );
  }
  return <ConnectCamera />;
}

function wordsOf({ kind, day }: Filter): string {
  const when = day === undefined ? '' : ` ${onDay(beginOf(day))}`;
  switch (kind) {
    case 'motion':
      return `Nothing has moved${when}`;
    case 'asked':
      return `Nobody asked for a film${when}`;
    case 'alarm':
      return `No film with an alarm${when}`;
    case 'all':
      return `Nothing was filmed${when}`;
  }
}

function onDay(at: number): string {
  const day = showDay(at, Date.now());
  return /^(Today|Yesterday)$/.test(day) ? day.toLowerCase() : `on ${day}`;
}

/** How the first film gets here. */
export function ConnectCamera() {
  return (
    <div class="empty">
      <h2>No films yet</h2>
      <p>
        A camera program on a device names its films to Perch, which brings them here and keeps them through
        crashes and power cuts. Try it: on the device, type
      </p>
      <SecretText text="perch captures push FILM.mp4" what="command" />
      <p>
        From then on let your camera program do it: it writes {'{"segment":"FILM.mp4"}'} to port 9000 of the
        device. Or let Perch itself film what moves: switch that on at a feed of the{' '}
        <a href={hrefs.devices}>device</a>.
      </p>
    </div>
  );
}
