import type { PerchPlayer } from '@perch/player';
import { useEffect, useRef } from 'preact/hooks';

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
  useEffect(() => {
    const player = document.createElement('perch-player') as PerchPlayer;
    player.setAttribute('src', `/session/${topic}`);
    player.setAttribute('aria-label', `Live: ${topic}`);
    player.toggleAttribute('muted', muted);
    player.toggleAttribute('controls', controls);
    frame.current?.append(player);
    return () => player.remove();
  }, [topic, muted, controls]);
  return <div ref={frame} style={{ display: 'contents' }} />;
}
