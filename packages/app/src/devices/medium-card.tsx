import type { ComponentChildren } from 'preact';
import { useRef } from 'preact/hooks';
import { Icon } from '../frame/icon.tsx';
import { Player } from '../live/player.tsx';
import { useIsSeen } from '../live/use-is-seen.ts';
import { hrefs } from '../route.ts';
import { showBitrate } from '../words/rate.ts';
import type { Track } from './device-state.ts';
import { trackIcon, trackWords } from './track-words.ts';

/** A feed or stream: its picture where it is on this relay, what is in it, and what can be done about it. */
export function MediumCard({
  name,
  topic,
  showsPicture,
  bitRate,
  tracks,
  oddities,
  children,
}: {
  name: string;
  /** Of this relay; undefined where it is not sent here. */
  topic: string | undefined;
  showsPicture: boolean;
  bitRate: number;
  tracks: readonly Track[];
  oddities: readonly string[];
  children?: ComponentChildren;
}) {
  return (
    <article class="medium" aria-label={name}>
      {topic !== undefined && showsPicture && <Preview name={name} topic={topic} />}
      <div class="medium-head">
        <h3>{name}</h3>
        <span class="facts">{bitRate > 0 ? showBitrate(bitRate) : 'nothing comes'}</span>
      </div>
      {tracks.length > 0 && (
        <ul class="tracks">
          {tracks.map((track, i) => (
            // Tracks have no names: their order is what tells them apart.
            <li key={i}>
              <Icon name={trackIcon(track)} /> {trackWords(track)}
            </li>
          ))}
        </ul>
      )}
      {oddities.map((text) => (
        <p key={text} class="trouble small">
          {text}
        </p>
      ))}
      {children}
    </article>
  );
}

/** A small live picture that leads to the large one. */
function Preview({ name, topic }: { name: string; topic: string }) {
  const element = useRef<HTMLAnchorElement>(null);
  const seen = useIsSeen(element);
  return (
    <a class="picture" href={hrefs.watch(topic)} aria-label={`Watch ${name}`} ref={element}>
      {seen && <Player topic={topic} muted />}
    </a>
  );
}
