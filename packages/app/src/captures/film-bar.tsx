import { useState } from 'preact/hooks';
import { type Capture, pathOf } from './capture.ts';
import { showLength } from './capture-words.ts';
import type { AlarmMark } from './film-alarms.ts';
import { STRIP_PICTURES } from './scrub-picture.tsx';

/** Seconds that an arrow goes. */
const STEP = 1;
const pictures = Array.from({ length: STRIP_PICTURES }, (_, i) => i);

/** All of a film as a row of pictures: a tap or a drag goes there, alarms are marked. */
export function FilmBar({
  film,
  alarms,
  at,
  src,
  onJump,
}: {
  film: Pick<Capture, 'id' | 'isComplete' | 'parts' | 'seconds'>;
  alarms: readonly AlarmMark[];
  /** Where the player is, in seconds. */
  at: number;
  /** Where the film is. Default: among the captures. */
  src?: string;
  onJump: (seconds: number) => void;
}) {
  const { seconds } = film;
  const [isDragged, setDragged] = useState(false);
  const strip = film.isComplete && film.parts > 0 ? `${src ?? pathOf(film.id)}/strip.jpg` : undefined;
  const place = (second: number) => `${Math.min(100, (100 * second) / seconds)}%`;
  const go = (event: PointerEvent & { readonly currentTarget: HTMLElement }) => {
    const { left, width } = event.currentTarget.getBoundingClientRect();
    onJump(seconds * Math.min(1, Math.max(0, (event.clientX - left) / width)));
  };
  const step = (event: KeyboardEvent) => {
    const to = { ArrowLeft: at - STEP, ArrowRight: at + STEP, Home: 0, End: seconds }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    onJump(Math.min(seconds, Math.max(0, to)));
  };
  return (
    <div
      class="film-bar"
      role="slider"
      tabIndex={0}
      aria-label="Place in the film"
      aria-valuemin={0}
      aria-valuemax={Math.round(seconds)}
      aria-valuenow={Math.round(at)}
      aria-valuetext={`${showLength(at)} of ${showLength(seconds)}`}
      onKeyDown={step}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        setDragged(true);
        go(event);
      }}
      onPointerMove={(event) => isDragged && go(event)}
      onPointerUp={() => setDragged(false)}
      onPointerCancel={() => setDragged(false)}
    >
      <span class="bar-pictures">
        {strip !== undefined &&
          pictures.map((picture) => (
            <span key={picture}>
              <img
                src={strip}
                alt=""
                draggable={false}
                style={{ translate: `${(-100 * (picture + 0.5)) / STRIP_PICTURES}%` }}
              />
            </span>
          ))}
      </span>
      {alarms.map((alarm) => (
        <i key={alarm.id} class="bar-alarm" title="Alarm" style={{ left: place(alarm.seconds) }} />
      ))}
      <i class="bar-at" style={{ left: place(at) }} />
    </div>
  );
}
