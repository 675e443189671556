import { useState } from 'preact/hooks';
import { Confirm } from '../frame/confirm.tsx';
import { Trouble, useDeed } from '../frame/form.tsx';
import { Icon } from '../frame/icon.tsx';
import { navigate } from '../frame/navigate.ts';
import { say } from '../frame/toast.tsx';
import { hrefs } from '../route.ts';
import { showMoment } from '../words/time.ts';
import { type Capture, keepCapture, pathOf, removeCapture } from './capture.ts';
import type { Filter } from './filter.ts';
import { ShareDialog } from './share-dialog.tsx';
import { forgetFilm } from './use-films.ts';

/** What can be done with a film. */
export function FilmDeeds({
  film,
  name,
  filter,
  mayChange,
  onChanged,
}: {
  film: Capture;
  /** Of its device. */
  name: string;
  filter: Filter;
  mayChange: boolean;
  onChanged: () => Promise<void>;
}) {
  const [open, setOpen] = useState<'share' | 'remove'>();
  const { isBusy, problem, run } = useDeed();
  const close = () => setOpen(undefined);
  const keep = async () => {
    const answer = await run(() => keepCapture(film.id, !film.isKept));
    if (!answer?.ok) return;
    say(film.isKept ? 'The film goes when its time has come.' : 'The film stays until somebody deletes it.');
    await onChanged();
  };
  const whose = `${name}, ${showMoment(film.at, Date.now())}`;
  return (
    <div class="film-deeds">
      <div class="buttons start">
        {mayChange && (
          <button
            type="button"
            class={isBusy ? 'busy' : ''}
            aria-pressed={film.isKept}
            onClick={() => void keep()}
          >
            <Icon name="star" /> {film.isKept ? 'Kept' : 'Keep'}
          </button>
        )}
        {mayChange && (
          <button type="button" onClick={() => setOpen('share')}>
            <Icon name="share" /> Share
          </button>
        )}
        {film.parts > 0 && (
          <a class="button" href={`${pathOf(film.id)}/video.mp4?download`} download="">
            <Icon name="download" /> Download
          </a>
        )}
        {mayChange && (
          <button type="button" class="danger outline" onClick={() => setOpen('remove')}>
            <Icon name="remove" /> Delete
          </button>
        )}
      </div>
      <Trouble problem={problem} />
      {open === 'share' && (
        <ShareDialog film={film.id} whose={whose} onClose={() => void onChanged().then(close)} />
      )}
      {open === 'remove' && (
        <Confirm
          title="Delete this film?"
          words={`${whose}. It is deleted here for everybody, and links to it end. It cannot be brought back.`}
          button="Delete it"
          deed={() => removeCapture(film.id)}
          onDone={() => {
            say('The film is deleted.');
            forgetFilm(filter, film.id);
            navigate(hrefs.captures(filter));
          }}
          onClose={close}
        />
      )}
    </div>
  );
}
