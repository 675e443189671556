// Times in words, on the reader's own clock. All are milliseconds since 1970 or durations in milliseconds.

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const weekday = new Intl.DateTimeFormat('en-GB', { weekday: 'long', day: 'numeric', month: 'long' });
const date = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long', year: 'numeric' });

/** `14:02`. */
export const showClock = (at: number): string => clock.format(at);

/** `21 November 2026`. */
export const showDate = (at: number): string => date.format(at);

/** `Today`, `Yesterday`, `Thursday 19 November`; with the year where it is another. */
export function showDay(at: number, now: number): string {
  const days = dayNumber(now) - dayNumber(at);
  if (days === 0) return 'Today';
  if (days === 1) return 'Yesterday';
  return new Date(at).getFullYear() === new Date(now).getFullYear() ? weekday.format(at) : date.format(at);
}

/** `14:02` of today, `yesterday 14:02`, `19 November 2026, 14:02`. */
export function showMoment(at: number, now: number): string {
  const days = dayNumber(now) - dayNumber(at);
  if (days === 0) return showClock(at);
  return days === 1 ? `yesterday ${showClock(at)}` : `${showDate(at)}, ${showClock(at)}`;
}

/** `just now`, `3 minutes ago`, `2 days ago`; from a month on the date. */
export function showAgo(at: number, now: number): string {
  const age = now - at;
  if (age < MINUTE) return 'just now';
  return age < 30 * DAY ? `${showSpan(age)} ago` : `on ${showDate(at)}`;
}

/** `in 5 minutes`, `in 3 days`; what is over is `over`. */
export function showUntil(at: number, now: number): string {
  const left = at - now;
  if (left <= 0) return 'over';
  return left < 90 * DAY ? `in ${showSpan(left)}` : `on ${showDate(at)}`;
}

/** `40 seconds`, `3 minutes`, `5 hours`, `2 days`: the largest unit that fits, rounded to the nearest. */
export function showSpan(ms: number): string {
  if (ms < MINUTE) return count(Math.max(1, Math.round(ms / 1_000)), 'second');
  if (ms < 59.5 * MINUTE) return count(Math.round(ms / MINUTE), 'minute');
  if (ms < 23.5 * HOUR) return count(Math.round(ms / HOUR), 'hour');
  return count(Math.round(ms / DAY), 'day');
}

/** `1 stream`, `3 streams`. @param many where it is not `one` with an s. */
export const count = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`;

/** Days of the reader's own calendar. */
function dayNumber(at: number): number {
  const day = new Date(at);
  return Math.round(Date.UTC(day.getFullYear(), day.getMonth(), day.getDate()) / DAY);
}
