import { useEffect, useRef, useState } from 'preact/hooks';
import { hrefs } from '../route.ts';
import { showBitrate } from '../words/rate.ts';
import { Player } from './player.tsx';
import { type StreamInfo, topicWords } from './stream-info.ts';
import { useIsSeen } from './use-is-seen.ts';

/** A live topic: its picture while it is on the screen, and the way to its page. */
export function Tile({ stream, names }: { stream: StreamInfo; names: ReadonlyMap<string, string> }) {
  const element = useRef<HTMLAnchorElement>(null);
  const seen = useIsSeen(element);
  const over = useIsOver(stream.waiting);
  const { where, what } = topicWords(stream.topic, names);
  return (
    <a class="tile" href={hrefs.watch(stream.topic)} ref={element}>
      <div class="picture">{seen && !over && <Player topic={stream.topic} muted />}</div>
      <div class="caption">
        <span class={stream.waiting ? 'dot waiting' : 'dot'} />
        <strong>
          <span class="path">{where}</span>
          {what}
        </strong>
        <span class="facts">{stream.waiting ? 'waiting' : showBitrate(stream.bitrate)}</span>
      </div>
    </a>
  );
}

const PATIENCE_MS = 5_000;

/**
 * Whether a stream has waited too long for its publisher. Then its tile lets go: a topic lives as long as somebody
 * watches it, and tiles that watch each other would stay for ever.
 */
function useIsOver(waiting: boolean): boolean {
  const [over, setOver] = useState(false);
  useEffect(() => {
    if (!waiting) return;
    const timer = setTimeout(() => setOver(true), PATIENCE_MS);
    return () => {
      clearTimeout(timer);
      setOver(false);
    };
  }, [waiting]);
  return over;
}
