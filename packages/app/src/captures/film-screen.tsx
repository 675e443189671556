import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { Icon } from '../frame/icon.tsx';
import type { Capture } from './capture.ts';
import { showLength } from './capture-words.ts';
import type { AlarmMark } from './film-alarms.ts';
import { FilmBar } from './film-bar.tsx';
import { FilmPlayer } from './film-player.tsx';

/** A film with the bar of its pictures below, on which its alarms are marked. @param src where it is, for who opens it by a link. */
export function FilmScreen({
  film,
  alarms,
  src,
}: {
  film: Pick<Capture, 'id' | 'isComplete' | 'parts' | 'seconds'>;
  alarms: readonly AlarmMark[];
  src?: string;
}) {
  const [seconds, setSeconds] = useState(0);
  const [goal, setGoal] = useState<number>();
  // The same place twice is two jumps.
  const jump = (to: number) => setGoal((last) => (last === to ? to + 0.001 : to));
  const screen = useRef<HTMLDivElement>(null);
  usePlayAtOnce(screen);
  useSpace(() => {
    const video = screen.current?.querySelector('video');
    if (video?.paused)
      void video.play().catch(() => undefined); // the player says why
    else video?.pause();
  });
  return (
    <div class="film-screen" ref={screen}>
      <FilmPlayer
        id={film.id}
        isComplete={film.isComplete}
        autoplay
        onTime={setSeconds}
        {...(src !== undefined && { src })}
        {...(goal !== undefined && { at: goal })}
      />
      {film.seconds > 0 && (
        <FilmBar film={film} alarms={alarms} at={seconds} onJump={jump} {...(src !== undefined && { src })} />
      )}
      {alarms.length > 0 && (
        <ul class="film-alarms">
          {alarms.map((alarm) => (
            <li key={alarm.id}>
              {/* A little before, so that one sees what set it off. */}
              <button type="button" onClick={() => jump(Math.max(0, alarm.seconds - 2))}>
                <Icon name="bell" /> Alarm at {showLength(alarm.seconds)}
              </button>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

/** Who came here by a link has tapped nothing yet: browsers play such a page's films, but without sound. */
function usePlayAtOnce(screen: { readonly current: HTMLElement | null }): void {
  useEffect(() => {
    const begin = ({ target }: Event) => {
      if (!(target instanceof HTMLVideoElement) || !target.paused) return;
      target.play().catch(() => {
        target.muted = true;
        target.play().catch(() => undefined); // not even so: its button is there
      });
    };
    const element = screen.current;
    // Events of media do not rise: they are caught on their way down.
    element?.addEventListener('canplay', begin, { capture: true, once: true });
    return () => element?.removeEventListener('canplay', begin, { capture: true });
  }, [screen]);
}

/** The space bar plays and pauses, wherever it has no other meaning. */
function useSpace(onSpace: () => void): void {
  const act = useRef(onSpace);
  act.current = onSpace;
  useLayoutEffect(() => {
    const listen = (event: KeyboardEvent) => {
      const isTaken = event.target instanceof Element && event.target.closest(TAKES_SPACE);
      if (event.key !== ' ' || event.defaultPrevented || isTaken) return;
      event.preventDefault();
      act.current();
    };
    addEventListener('keydown', listen);
    return () => removeEventListener('keydown', listen);
  }, []);
}

const TAKES_SPACE = 'video, button, a, input, select, summary, dialog';
