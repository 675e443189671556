import type { PerchPlayer, PlayerStats } from '@perch/player';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Icon } from '../frame/icon.tsx';

/** A `<perch-player>` for a topic of this relay. `/player.js` defines the element; cookies say who asks. */
export function Player({
  topic,
  muted = false,
  controls = false,
}: {
  topic: string;
  muted?: boolean;
  controls?: boolean;
}) {
  const frame = useRef<HTMLDivElement>(null);
  const [isSoundOnly, setSoundOnly] = useState(false);
  useEffect(() => {
    const player = document.createElement('perch-player') as PerchPlayer;
    player.setAttribute('src', `/session/${topic}`);
    player.setAttribute('aria-label', `Live: ${topic}`);
    player.toggleAttribute('muted', muted);
    player.toggleAttribute('controls', controls);
    const scope = new AbortController();
    const look = ({ detail }: CustomEvent<PlayerStats>) =>
      setSoundOnly(detail.audioCodec !== undefined && detail.videoCodec === undefined);
    player.addEventListener('stats', look as EventListener, { signal: scope.signal });
    frame.current?.append(player);
    return () => {
      scope.abort();
      player.remove();
    };
  }, [topic, muted, controls]);
  return (
    <div class="player">
      <div ref={frame} />
      {isSoundOnly && (
        <p class="sound-only">
          <Icon name="sound" /> Sound without a picture
        </p>
      )}
    </div>
  );
}
