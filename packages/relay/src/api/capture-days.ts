import type { Catalogue, Shelf } from '../captures/catalogue.ts';

/** What there is of a day. */
export interface DayCount {
  /** As in `2026-11-21`. */
  readonly day: string;
  readonly captures: number;
  readonly alarms: number;
}

export interface DaysWanted {
  readonly shelf: Shelf;
  readonly device?: string | undefined;
  /** First and last day, as in `2026-11-21`. */
  readonly from: string;
  readonly to: string;
  /** Whose midnight it is: a name of the IANA time zone database. */
  readonly zone: string;
}

const DAY_S = 86_400;
/** No place is further from UTC than this. */
const FARTHEST_S = 14 * 3_600;
const MOST_DAYS = 370;

/**
 * How many films and alarms there are of each day of a calendar, without the days that have none.
 *
 * @returns in words what cannot be understood.
 */
export async function daysOf(
  catalogue: Catalogue,
  wanted: DaysWanted,
): Promise<readonly DayCount[] | string> {
  const { shelf, device, from, to, zone } = wanted;
  const [first, last] = [Date.parse(`${from}T00:00Z`) / 1_000, Date.parse(`${to}T00:00Z`) / 1_000];
  if (!(last >= first && last - first < MOST_DAYS * DAY_S)) {
    return `from, to: days such as 2026-11-21, at most ${MOST_DAYS} of them`;
  }
  const dayAt = calendar(zone);
  if (!dayAt) return 'zone: a time zone such as Europe/Vienna';
  const around = { since: first - FARTHEST_S, until: last + DAY_S + FARTHEST_S };
  const days = new Map<string, { captures: number; alarms: number }>();
  for (const { timestamp, captures, alarms } of await catalogue.quarters({ shelf, device, ...around })) {
    const day = dayAt(timestamp);
    if (day < from || day > to) continue;
    const known = days.get(day) ?? { captures: 0, alarms: 0 };
    days.set(day, { captures: known.captures + captures, alarms: known.alarms + alarms });
  }
  return [...days].map(([day, counts]) => ({ day, ...counts }));
}

/** Tells which day it is somewhere at a time, in s since 1970. @returns `undefined` where there is no such zone. */
export function calendar(zone: string): ((timestamp: number) => string) | undefined {
  try {
    const parts = { year: 'numeric', month: '2-digit', day: '2-digit' } as const;
    // Sweden writes dates as ISO 8601 does.
    const format = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, ...parts });
    return (timestamp) => format.format(timestamp * 1_000);
  } catch {
    return undefined; // a RangeError: it knows no such zone
  }
}
