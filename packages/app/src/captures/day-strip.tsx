import { useEffect, useRef, useState } from 'preact/hooks';
import { Icon } from '../frame/icon.tsx';
import { count, showDay } from '../words/time.ts';
import { addDays, beginOf, type Day, dayOf, daysBetween, isDay } from './day.ts';
import { type DayCount, useDays } from './days.ts';

/** So many days are shown at first, and so many more each time one comes to the left end. */
const STEP_DAYS = 42;
/** Days further back are found by the calendar. */
const MOST_DAYS = 364;

/** The last days beside each other, today at the right; a tap shows one of them alone, another all again. */
export function DayStrip({
  device,
  chosen,
  onChosen,
}: {
  device: string | undefined;
  chosen: Day | undefined;
  onChosen: (day: Day | undefined) => void;
}) {
  const [back, setBack] = useState(STEP_DAYS);
  const { value } = useDays(device, back);
  const counts = new Map(value?.map((day) => [day.day, day]));
  const today = dayOf(Date.now());
  const days = daysBetween(addDays(today, -back), today);
  const most = Math.max(1, ...[...counts.values()].map(({ captures }) => captures));
  const strip = useRef<HTMLUListElement>(null);
  useEffect(() => {
    const list = strip.current;
    const day = list?.querySelector('[aria-pressed="true"]');
    // By hand: scrollIntoView would move the page too.
    if (list && day instanceof HTMLElement) {
      list.scrollLeft = day.offsetLeft - (list.clientWidth - day.offsetWidth) / 2;
    } else if (list) list.scrollLeft = list.scrollWidth;
  }, [chosen]);
  const goOn = () => {
    const list = strip.current;
    if (!list || list.scrollLeft > 200 || back >= MOST_DAYS) return;
    const right = list.scrollWidth - list.scrollLeft;
    setBack(Math.min(MOST_DAYS, back + STEP_DAYS));
    // What comes in at the left must not push away what one looks at.
    requestAnimationFrame(() => {
      list.scrollLeft = list.scrollWidth - right;
    });
  };
  return (
    <div class="day-strip">
      <ul ref={strip} onScroll={goOn} aria-label="Days">
        {days.map((day) => (
          <li key={day}>
            <DayButton
              day={day}
              films={counts.get(day)}
              most={most}
              isChosen={day === chosen}
              onChosen={() => onChosen(day === chosen ? undefined : day)}
            />
          </li>
        ))}
      </ul>
      <Calendar chosen={chosen} today={today} onChosen={onChosen} />
    </div>
  );
}

const weekday = new Intl.DateTimeFormat('en-GB', { weekday: 'short' });
const month = new Intl.DateTimeFormat('en-GB', { month: 'short' });

function DayButton({
  day,
  films,
  most,
  isChosen,
  onChosen,
}: {
  day: Day;
  films: DayCount | undefined;
  most: number;
  isChosen: boolean;
  onChosen: () => void;
}) {
  const at = beginOf(day);
  const number = Number(day.slice(-2));
  const { captures = 0, alarms = 0 } = films ?? {};
  const label = [
    showDay(at, Date.now()),
    captures > 0 ? count(captures, 'film') : 'no films',
    alarms > 0 ? count(alarms, 'alarm') : '',
  ];
  return (
    <button
      type="button"
      class={captures + alarms > 0 || isChosen ? 'day-button' : 'day-button none'}
      aria-pressed={isChosen}
      aria-label={label.filter(Boolean).join(', ')}
      onClick={onChosen}
    >
      <span>{number === 1 ? month.format(at) : weekday.format(at)}</span>
      <strong>{number}</strong>
      <i
        class={alarms > 0 ? 'day-bar alarm' : 'day-bar'}
        // A day with one film is seen beside one with a hundred.
        style={{ width: captures + alarms > 0 ? `${25 + 75 * Math.sqrt(captures / most)}%` : '0' }}
      />
    </button>
  );
}

/** The browser's own calendar, for what is further back. */
function Calendar({
  chosen,
  today,
  onChosen,
}: {
  chosen: Day | undefined;
  today: Day;
  onChosen: (day: Day | undefined) => void;
}) {
  return (
    <label class="button quiet round calendar" title="Choose a day">
      <Icon name="calendar" />
      <input
        type="date"
        aria-label="Choose a day"
        value={chosen ?? ''}
        max={today}
        onClick={(event) => event.currentTarget.showPicker?.()}
        onChange={(event) => {
          const day = event.currentTarget.value;
          onChosen(isDay(day) ? day : undefined);
        }}
      />
    </label>
  );
}
