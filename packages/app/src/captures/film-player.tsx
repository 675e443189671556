import { useEffect, useRef, useState } from 'preact/hooks';
import { segment } from '../http/ask.ts';
import { FilmSource, type FilmState } from './film-source.ts';

export interface FilmPlayerProps {
  /** The capture's. */
  id: string;
  /** Nothing more of it is to come. May become true while it plays. */
  isComplete: boolean;
  /** Where the film is, without a `/` at its end. Default: `/api/v1/captures/{id}`. */
  src?: string;
  /** Play without being asked, where the browser allows it. */
  autoplay?: boolean;
  /** Jump there: seconds from the film's beginning. A new number is a new jump. */
  at?: number;
  /** Told where it is, a few times a second: seconds from the film's beginning. */
  onTime?: (seconds: number) => void;
}

/** A film, whole or still arriving. Space or K: pause. Arrows: 5 s. J, L: 10 s. F: all of the screen. M: sound. */
export function FilmPlayer({ id, isComplete, src, autoplay = false, at, onTime }: FilmPlayerProps) {
  const base = src ?? `/api/v1/captures/${segment(id)}`;
  const screen = useRef<HTMLVideoElement>(null);
  const complete = useRef(isComplete);
  complete.current = isComplete;
  const [state, setState] = useState<FilmState>({ kind: 'opening' });
  const [tries, setTries] = useState(0);
  useEffect(() => {
    const video = screen.current;
    if (!video) return;
    const source = new FilmSource({
      video,
      src: base,
      isComplete: () => complete.current,
      onState: setState,
    });
    return () => source.close();
  }, [base, tries]);
  useEffect(() => {
    const video = screen.current;
    if (!video || at === undefined) return;
    const jump = () => {
      video.currentTime = at;
    };
    if (video.readyState > 0) return jump();
    video.addEventListener('loadedmetadata', jump, { once: true });
    return () => video.removeEventListener('loadedmetadata', jump);
  }, [at]);
  return (
    <div class="film" data-state={state.kind}>
      {/* biome-ignore lint/a11y/useMediaCaption: a camera on a wall has no captions */}
      <video
        ref={screen}
        aria-label="Film"
        controls
        playsInline
        preload="auto"
        autoplay={autoplay}
        poster={`${base}/thumbnail.jpg`}
        onTimeUpdate={({ currentTarget }) => onTime?.(currentTarget.currentTime)}
        onKeyDown={control}
      />
      {state.kind === 'waiting' && <p role="status">The first pictures are on their way …</p>}
      {state.kind === 'failed' && (
        <p role="alert">
          {state.words}{' '}
          <button type="button" class="quiet" onClick={() => setTries(tries + 1)}>
            Try again
          </button>
        </p>
      )}
    </div>
  );
}

/** What keys do that are not for the browser. The same in all browsers: they differ in what arrows do. */
function control(event: KeyboardEvent & { readonly currentTarget: HTMLVideoElement }): void {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const video = event.currentTarget;
  const key = event.key.toLowerCase();
  const step = steps[key];
  if (step !== undefined) video.currentTime = Math.max(0, video.currentTime + step);
  else if (key === ' ' || key === 'k') toggle(video);
  else if (key === 'home') video.currentTime = 0;
  else if (key === 'end') video.currentTime = video.duration;
  else if (key === 'm') video.muted = !video.muted;
  else if (key === 'f') fill(video);
  else return;
  event.preventDefault();
}

/** Seconds. */
const steps: Readonly<Record<string, number>> = { arrowleft: -5, arrowright: 5, j: -10, l: 10 };

/** What is asked of a browser may be overtaken by the next key, or refused: neither is an error. */
const unlessOvertaken = (done: Promise<void>): void => void done.catch(() => undefined);

function toggle(video: HTMLVideoElement): void {
  if (video.paused) unlessOvertaken(video.play());
  else video.pause();
}

const fill = (video: HTMLVideoElement): void =>
  unlessOvertaken(document.fullscreenElement ? document.exitFullscreen() : video.requestFullscreen());
