import { useEffect, useRef } from 'preact/hooks';

const RETRY_MS = 3_000;

/**
 * Listens to server-sent events of these kinds while the page is seen: one that nobody sees needs no news, and a browser
 * has only six connections for a relay without HTTP/2. The browser connects again by itself; after an answer that is no
 * stream of events it is tried again in 3 s.
 *
 * @param path `undefined` listens to nothing.
 * @param kinds their names, with a space between.
 * @param onEvent told of each, with its data as JSON; what is no JSON is passed over.
 */
export function useEvents(
  path: string | undefined,
  kinds: string,
  onEvent: (kind: string, value: unknown) => void,
): void {
  const tell = useRef(onEvent);
  tell.current = onEvent;
  useEffect(() => {
    if (path === undefined) return;
    let source: EventSource | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const open = () => {
      const opened = new EventSource(path);
      source = opened;
      for (const kind of kinds.split(' ')) {
        opened.addEventListener(kind, ({ data }: MessageEvent<string>) => {
          const value = jsonOf(data);
          if (value !== undefined) tell.current(kind, value);
        });
      }
      opened.addEventListener('error', () => {
        if (opened.readyState !== EventSource.CLOSED) return;
        clearTimeout(timer);
        timer = setTimeout(open, RETRY_MS);
      });
    };
    const close = () => {
      clearTimeout(timer);
      source?.close();
    };
    const follow = () => {
      close();
      if (document.visibilityState === 'visible') open();
    };
    document.addEventListener('visibilitychange', follow);
    follow();
    return () => {
      document.removeEventListener('visibilitychange', follow);
      close();
    };
  }, [path, kinds]);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the next one says it again
  }
}
