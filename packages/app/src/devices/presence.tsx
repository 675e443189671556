import { showAgo } from '../words/time.ts';
import { useNow } from '../words/use-now.ts';

/** Whether a device is there, and if not, since when. */
export function Presence({ online, lastSeen }: { online: boolean; lastSeen: number | undefined }) {
  const now = useNow();
  return (
    <span class="presence">
      <span class={online ? 'dot' : 'dot off'} />
      {online ? 'Online' : lastSeen === undefined ? 'Never seen yet' : `Last seen ${showAgo(lastSeen, now)}`}
    </span>
  );
}
