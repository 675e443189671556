import { useRef, useState } from 'preact/hooks';
import { Icon } from '../frame/icon.tsx';
import { type Capture, pathOf } from './capture.ts';
import { causeWords, type Progress, showLength } from './capture-words.ts';

/** The relay's strip: so many pictures beside each other, from all over the film. */
export const STRIP_PICTURES = 10;
/** A finger that moves this far sideways, in px, looks through the film; less is a tap. */
const DRAG_PX = 8;

/**
 * A film's picture. A pointer that moves over it, or a finger that draws along it, looks through the film; up and down
 * the page still scrolls.
 */
export function ScrubPicture({ film, progress }: { film: Capture; progress: Progress }) {
  const [at, setAt] = useState<number>();
  const [isReady, setReady] = useState(false);
  const drag = useRef<{ readonly from: number; isScrub: boolean }>(undefined);
  // While more arrives its strip would be made anew each time.
  const hasStrip = film.isComplete && film.parts > 0;

  const look = (event: PointerEvent & { readonly currentTarget: HTMLElement }) => {
    if (!hasStrip) return;
    const { left, width } = event.currentTarget.getBoundingClientRect();
    if (event.pointerType === 'mouse') return setAt(within((event.clientX - left) / width));
    const { current } = drag;
    if (!current) return;
    if (!current.isScrub && Math.abs(event.clientX - current.from) < DRAG_PX) return;
    if (!current.isScrub) event.currentTarget.setPointerCapture(event.pointerId);
    current.isScrub = true;
    setAt(within((event.clientX - left) / width));
  };
  const end = () => setAt(undefined);
  const picture = at === undefined ? 0 : Math.min(STRIP_PICTURES - 1, Math.floor(at * STRIP_PICTURES));
  return (
    <span
      class="film-picture"
      onPointerDown={(event) => {
        drag.current = event.pointerType === 'mouse' ? undefined : { from: event.clientX, isScrub: false };
      }}
      onPointerMove={look}
      onPointerLeave={end}
      onPointerUp={(event) => event.pointerType !== 'mouse' && end()}
      onPointerCancel={end}
      onClickCapture={(event) => {
        // To look through a film is not to open it.
        if (drag.current?.isScrub) event.preventDefault();
        drag.current = undefined;
      }}
    >
      <Thumbnail film={film} />
      {at !== undefined && (
        <>
          <img
            class={isReady ? 'film-strip' : 'film-strip hidden'}
            src={pathOf(film.id, '/strip.jpg')}
            alt=""
            draggable={false}
            onLoad={() => setReady(true)}
            style={{ translate: `${(-100 * picture) / STRIP_PICTURES}%` }}
          />
          <i class="film-at" style={{ left: `${at * 100}%` }} />
        </>
      )}
      {film.alarms > 0 && (
        <span class="film-mark alarm">
          <Icon name="bell" />
        </span>
      )}
      {film.isKept && (
        <span class="film-mark kept">
          <Icon name="star" />
        </span>
      )}
      <span class="film-foot">
        {progress === 'here' ? (
          <span class="film-tag">
            <Icon name={causeWords[film.cause].icon} />
          </span>
        ) : (
          <span class="film-tag live">
            <i class={progress === 'filming' ? 'dot bad' : 'dot waiting'} /> {progress}
          </span>
        )}
        {film.seconds > 0 && (
          <span class="film-tag end">
            {at !== undefined && `${showLength(at * film.seconds)} / `}
            {showLength(film.seconds)}
          </span>
        )}
      </span>
    </span>
  );
}

/** Its first picture, as soon as there is one. */
function Thumbnail({ film }: { film: Capture }) {
  const [failed, setFailed] = useState<number>();
  if (film.parts === 0 || failed === film.parts) return null;
  // What could not be had of fewer parts may be had now.
  const again = failed === undefined ? '' : `?parts=${film.parts}`;
  return (
    <img
      class="film-thumbnail"
      src={pathOf(film.id, `/thumbnail.jpg${again}`)}
      alt=""
      loading="lazy"
      draggable={false}
      onError={() => setFailed(film.parts)}
    />
  );
}

const within = (fraction: number): number => Math.min(1, Math.max(0, fraction));
