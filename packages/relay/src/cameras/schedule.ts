import { instantsOf, wallTime } from './zone-time.ts';

const DAY = 86_400_000;
/** A row that a put-forward clock skips one week is there the next. */
const DAYS_AHEAD = 16;

/** When a camera is armed, week by week, on the clocks of a place. At other times it is disarmed. */
export interface Schedule {
  /** As IANA names it, such as `Europe/Berlin`. */
  readonly zone: string;
  readonly weekly: readonly ScheduleRow[];
  /** Off, it is kept and switches nothing. */
  readonly isOn: boolean;
}

/** Armed from one time to another, on some days of the week. */
export interface ScheduleRow {
  /** On which it begins: 1 is Monday, 7 Sunday. */
  readonly days: readonly number[];
  /** `HH:MM`. */
  readonly from: string;
  /** `HH:MM`; at or before `from` it is of the next day. */
  readonly to: string;
}

/** What a schedule says at one moment. */
export interface Phase {
  readonly isArmed: boolean;
  /** When that changes, in milliseconds since 1970; `undefined`: never. */
  readonly nextEdge: number | undefined;
}

/**
 * What a schedule says now. Where a clock shows a time twice it is armed from the first and until the last; a time that
 * it skips is the moment of the jump. Spans that touch are one: between them nothing is switched.
 *
 * @param now milliseconds since 1970.
 */
export function phaseAt({ zone, weekly }: Omit<Schedule, 'isOn'>, now: number): Phase {
  const wall = wallTime(zone, now);
  const today = wall - (((wall % DAY) + DAY) % DAY);
  const horizon = today + DAYS_AHEAD * DAY;
  const spans: Span[] = [];
  for (let day = today - 2 * DAY; day <= horizon; day += DAY) {
    for (const row of weekly) if (row.days.includes(weekdayOf(day))) spans.push(spanOf(zone, row, day));
  }
  const row = merged(spans);
  const current = row.find(({ from, to }) => from <= now && now < to);
  if (current) return { isArmed: true, nextEdge: current.to > horizon - DAY ? undefined : current.to };
  return { isArmed: false, nextEdge: row.find(({ from }) => from > now)?.from };
}

interface Span {
  readonly from: number;
  readonly to: number;
}

function spanOf(zone: string, { from, to }: ScheduleRow, day: number): Span {
  const end = to <= from ? day + DAY : day;
  return { from: instantsOf(zone, day + timeOf(from)).first, to: instantsOf(zone, end + timeOf(to)).last };
}

function merged(spans: readonly Span[]): readonly Span[] {
  const row: Span[] = [];
  for (const span of spans.filter(({ from, to }) => to > from).sort((a, b) => a.from - b.from)) {
    const last = row.at(-1);
    if (!last || span.from > last.to) row.push(span);
    else row[row.length - 1] = { from: last.from, to: Math.max(last.to, span.to) };
  }
  return row;
}

/** ISO 8601: Monday is 1. */
const weekdayOf = (day: number): number => ((new Date(day).getUTCDay() + 6) % 7) + 1;

const timeOf = (text: string): number => (Number(text.slice(0, 2)) * 60 + Number(text.slice(3, 5))) * 60_000;
