import { useRef } from 'preact/hooks';
import { decodeList, Fields } from '../http/fields.ts';
import { type Asked, useAsked } from '../http/use-asked.ts';
import { useEvents } from '../http/use-events.ts';
import { CAPTURES, newsPath } from './capture.ts';
import { addDays, type Day, dayOf, isDay, ownZone } from './day.ts';

/** What there is of a day. */
export interface DayCount {
  readonly day: Day;
  readonly captures: number;
  readonly alarms: number;
}

const PERIOD_MS = 60_000;

/** Days with films, back to so many days ago. */
export function useDays(device: string | undefined, back: number): Asked<DayCount[]> {
  const today = dayOf(Date.now());
  const query = new URLSearchParams({
    ...(device !== undefined && { device }),
    ...{ from: addDays(today, -back), to: today, zone: ownZone() },
  });
  const asked = useAsked(`${CAPTURES}/days?${query}`, decodeDays, PERIOD_MS);
  const counted = useRef(new Set<string>());
  useEvents(newsPath(device), 'capture removed alarm again', (kind, value) => {
    const id = new Fields(value).text('id');
    // A film that arrives is told of many times, and counts once.
    if (kind === 'capture' && counted.current.has(id)) return;
    counted.current.add(id);
    void asked.reload();
  });
  return asked;
}

/** Understands `GET /api/v1/captures/days`. */
export const decodeDays = (value: unknown): DayCount[] =>
  decodeList(value, (fields) => {
    const day = fields.text('day');
    if (!isDay(day)) return undefined;
    return { day, captures: fields.number('captures'), alarms: fields.number('alarms') };
  });
