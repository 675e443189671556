import { useState } from 'preact/hooks';
import { segment } from '../http/ask.ts';
import { useAsked } from '../http/use-asked.ts';
import { useEvents } from '../http/use-events.ts';
import { type DeviceNews, decodeDeviceNews } from './device-state.ts';

/** What a device tells, as it tells it: the first answer is asked for, the rest comes as events. `undefined` before. */
export function useDeviceNews(id: string) {
  const path = `/api/v1/devices/${segment(id)}`;
  const asked = useAsked(`${path}/state`, decodeDeviceNews);
  const [heard, setHeard] = useState<DeviceNews>();
  useEvents(`${path}/events`, 'state', (_kind, value) => setHeard(decodeDeviceNews(value)));
  return { asked, news: heard ?? asked.value };
}
