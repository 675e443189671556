import { useEffect, useState } from 'preact/hooks';
import { segment } from '../http/ask.ts';
import { useAsked } from '../http/use-asked.ts';
import { type DeviceNews, decodeDeviceNews } from './device-state.ts';

const RETRY_MS = 3_000;

/**
 * What a device tells, as it tells it. The first answer is asked for, the rest comes as events; where those break off
 * they are asked for again. `undefined` before the first.
 */
export function useDeviceNews(id: string) {
  const path = `/api/v1/devices/${segment(id)}`;
  const asked = useAsked(`${path}/state`, decodeDeviceNews);
  const [heard, setHeard] = useState<DeviceNews>();
  useEffect(() => {
    let source: EventSource | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const open = () => {
      source = new EventSource(`${path}/events`);
      source.addEventListener('state', (event) => {
        const news = newsIn(event);
        if (news) setHeard(news);
      });
      source.addEventListener('error', () => {
        // The browser connects again by itself, but for an answer that is no stream of events.
        if (source?.readyState !== EventSource.CLOSED) return;
        clearTimeout(timer);
        timer = setTimeout(open, RETRY_MS);
      });
    };
    const close = () => {
      clearTimeout(timer);
      source?.close();
    };
    // A page that nobody sees needs no news, and a browser has only six connections for a relay without HTTP/2.
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
  }, [path]);
  return { asked, news: heard ?? asked.value };
}

function newsIn(event: MessageEvent<string>): DeviceNews | undefined {
  try {
    return decodeDeviceNews(JSON.parse(event.data));
  } catch {
    return undefined; // a line that is no JSON says nothing; the next one does
  }
}
