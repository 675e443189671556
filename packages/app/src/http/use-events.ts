import { useEffect, useRef } from 'preact/hooks';
import { EventLine } from './event-line.ts';

/**
 * Listens to server-sent events while the page is seen: one that nobody sees needs no news.
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
    const ends = kinds.split(' ').map((kind) =>
      EventLine.listen(path, kind, ({ data }) => {
        const value = jsonOf(data);
        if (value !== undefined) tell.current(kind, value);
      }),
    );
    return () => {
      for (const end of ends) end[Symbol.dispose]();
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
