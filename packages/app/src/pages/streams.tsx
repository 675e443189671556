import { useEffect, useRef, useState } from 'preact/hooks';
import { type StreamInfo, showBitrate } from '../api.ts';
import { watchHref } from '../route.ts';
import { Header } from './header.tsx';
import { Player } from './player.tsx';

/** All live topics as tiles. */
export function Streams({ streams }: { streams: readonly StreamInfo[] }) {
  if (streams.length === 0) return <Nothing />;
  const sorted = [...streams].sort((a, b) => a.topic.localeCompare(b.topic));
  return (
    <>
      <Header>{streams.length === 1 ? '1 stream' : `${streams.length} streams`}</Header>
      <main>
        <ul class="tiles">
          {sorted.map((stream) => (
            <li key={stream.topic}>
              <Tile stream={stream} />
            </li>
          ))}
        </ul>
      </main>
    </>
  );
}

function Tile({ stream }: { stream: StreamInfo }) {
  const element = useRef<HTMLAnchorElement>(null);
  const seen = useIsSeen(element);
  const over = useIsOver(stream.waiting);
  const at = stream.topic.lastIndexOf('/') + 1;
  return (
    <a class="tile" href={watchHref(stream.topic)} ref={element}>
      <div class="picture">{seen && !over && <Player topic={stream.topic} muted />}</div>
      <div class="caption">
        <span class={stream.waiting ? 'dot waiting' : 'dot'} />
        <strong>
          <span class="path">{stream.topic.slice(0, at)}</span>
          {stream.topic.slice(at)}
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

/** Whether an element is on the screen: only those tiles connect. */
function useIsSeen(element: { current: Element | null }): boolean {
  const [seen, setSeen] = useState(false);
  useEffect(() => {
    const observer = new IntersectionObserver((entries) => {
      const latest = entries.at(-1);
      if (latest) setSeen(latest.isIntersecting);
    });
    if (element.current) observer.observe(element.current);
    return () => observer.disconnect();
  }, [element]);
  return seen;
}

function Nothing() {
  return (
    <>
      <Header />
      <main class="words">
        <h2>Nothing is live</h2>
        <p>
          As soon as a machine sends something, it is here. To send a test picture from a machine that runs{' '}
          <code>perch up</code>:
        </p>
        <pre>
          ffmpeg -re -f lavfi -i testsrc2 -c:v libx264 -tune zerolatency -f mpegts
          http://localhost:8888/ts/camera
        </pre>
      </main>
    </>
  );
}
