/** A day of the reader's own calendar: `2026-11-21`. */
export type Day = string;

const two = (n: number): string => String(n).padStart(2, '0');

/** The day on which a time falls. @param at in milliseconds since 1970. */
export function dayOf(at: number): Day {
  const date = new Date(at);
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** Whether a text names a day that there is. */
export function isDay(text: string): text is Day {
  return /^\d{4}-\d\d-\d\d$/.test(text) && dayOf(beginOf(text)) === text;
}

/** Its first moment, in milliseconds since 1970. */
export function beginOf(day: Day): number {
  const [year = 0, month = 1, date = 1] = day.split('-').map(Number);
  return new Date(year, month - 1, date).getTime();
}

/** The day so many days later; a day may have 23 or 25 hours. */
export function addDays(day: Day, days: number): Day {
  const date = new Date(beginOf(day));
  return dayOf(new Date(date.getFullYear(), date.getMonth(), date.getDate() + days).getTime());
}

/** The first moment after it. */
export const endOf = (day: Day): number => beginOf(addDays(day, 1));

/** All days from one to another, both included. */
export function daysBetween(first: Day, last: Day): Day[] {
  const days: Day[] = [];
  for (let day = first; day <= last; day = addDays(day, 1)) days.push(day);
  return days;
}

/** Where the reader is, as the relay counts days: `Europe/Berlin`. */
export const ownZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone;
