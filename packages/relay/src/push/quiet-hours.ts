/** When somebody does not want to be disturbed, by the wall clock where he is. */
export interface QuietHours {
  /** `HH:MM`. The same time twice is a whole day. */
  readonly from: string;
  readonly to: string;
  /** An IANA time zone, such as `Europe/Zurich`. */
  readonly zone: string;
  /** Days on which a quiet time begins: 1 is Monday, 7 Sunday. One that goes over midnight belongs to the day before. */
  readonly days: readonly number[];
  /** Alarms come through. */
  readonly alarms: boolean;
}

/**
 * Whether it is quiet now. The wall clock counts, so where clocks are changed a quiet time is an hour longer or shorter,
 * and it begins and ends as the person reads it.
 *
 * @param at milliseconds since 1970.
 */
export function isQuiet({ from, to, zone, days }: QuietHours, at: number): boolean {
  const { day, time } = wallClock(zone, at);
  const before = day === 1 ? 7 : day - 1;
  const begins = days.includes(day);
  if (from < to) return begins && time >= from && time < to;
  return (begins && time >= from) || (days.includes(before) && time < to);
}

/** Whether there is a time zone of this name. */
export function isZone(zone: string): boolean {
  try {
    return clockOf(zone).resolvedOptions().timeZone !== '';
  } catch {
    return false; // a RangeError: it knows no such zone
  }
}

const weekdays: readonly string[] = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

/** What a clock on the wall shows: the day of the week, and `HH:MM`. */
function wallClock(zone: string, at: number): { day: number; time: string } {
  const parts = new Map(
    clockOf(zone)
      .formatToParts(at)
      .map(({ type, value }) => [type, value]),
  );
  const day = weekdays.indexOf(parts.get('weekday') ?? '') + 1;
  return { day, time: `${parts.get('hour')}:${parts.get('minute')}` };
}

const clockOf = (timeZone: string): Intl.DateTimeFormat =>
  new Intl.DateTimeFormat('en-GB', {
    ...{ timeZone, weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
  });
