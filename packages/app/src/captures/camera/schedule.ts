import type { Fields } from '../../http/fields.ts';
import { type Hours, weekdayNames, weekdays } from '../../words/week.ts';

/** When a camera is armed by itself. */
export interface Schedule {
  /** By which clock: `Europe/Berlin`. */
  readonly zone: string;
  readonly weekly: readonly Hours[];
  /** `false`: it is kept, and does nothing. */
  readonly isOn: boolean;
}

export const decodeSchedule = (fields: Fields): Schedule => ({
  zone: fields.text('zone', 'UTC'),
  isOn: fields.flag('isOn'),
  weekly: fields.list('weekly', (hours) => {
    const [from, to] = [hours.text('from'), hours.text('to')];
    if (!isHour(from) || !isHour(to)) return undefined;
    return { from, to, days: hours.numbers('days').filter(isWeekday) };
  }),
});

const isHour = (text: string): boolean => /^([01]\d|2[0-3]):[0-5]\d$/.test(text);
const isWeekday = (day: number): boolean => weekdays.some((known) => known === day);

/** `Mon–Fri 08:00–17:30, Sat, Sun all day`. */
export function scheduleWords({ weekly }: Pick<Schedule, 'weekly'>): string {
  return weekly
    .filter(({ days }) => days.length > 0)
    .map((hours) => `${daysWords(hours.days)} ${hoursWords(hours)}`)
    .join(', ');
}

function hoursWords({ from, to }: Hours): string {
  return from === '00:00' && to === '00:00' ? 'all day' : `${from}–${to}`;
}

/** `every day`, `Mon–Fri`, `Mon, Wed`. */
export function daysWords(days: readonly number[]): string {
  const sorted = weekdays.filter((day) => days.includes(day));
  if (sorted.length === 7) return 'every day';
  const runs: number[][] = [];
  for (const day of sorted) {
    const run = runs.at(-1);
    if (run?.at(-1) === day - 1) run.push(day);
    else runs.push([day]);
  }
  const name = (day: number | undefined) => weekdayNames[(day ?? 1) - 1] ?? '';
  return runs
    .map((run) =>
      run.length > 2 ? `${name(run[0])}–${name(run.at(-1))}` : run.map((day) => name(day)).join(', '),
    )
    .join(', ');
}

/** What the clock says there: `14:02`; empty for a zone that the browser does not know. @param at in ms since 1970. */
export function clockIn(zone: string, at: number): string {
  try {
    return new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', timeZone: zone }).format(
      at,
    );
  } catch {
    return '';
  }
}
