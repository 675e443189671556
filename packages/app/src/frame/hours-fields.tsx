import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';
import { type Hours, weekdayNames, weekdays } from '../words/week.ts';

/** Days of the week to choose, and from when to when on them. */
export function HoursFields({
  name,
  hours: { days, from, to },
  onChange,
  beside,
  children,
}: {
  /** What these hours are, for who hears the page. */
  name: string;
  hours: Hours;
  onChange: (over: Partial<Hours>) => void;
  /** Stands behind the times. */
  beside?: ComponentChildren;
  /** Stands below. */
  children?: ComponentChildren;
}) {
  const id = useId();
  const turn = (day: number) =>
    onChange({ days: days.includes(day) ? days.filter((one) => one !== day) : [...days, day].sort() });
  return (
    <fieldset class="hours">
      <legend class="heard-only">{name}</legend>
      <div class="weekdays">
        {weekdays.map((day) => (
          <button key={day} type="button" aria-pressed={days.includes(day)} onClick={() => turn(day)}>
            {weekdayNames[day - 1]}
          </button>
        ))}
      </div>
      <div class="hours-line">
        <label for={`${id}-from`}>from</label>
        <input
          id={`${id}-from`}
          type="time"
          required
          value={from}
          onChange={(event) => onChange({ from: event.currentTarget.value })}
        />
        <label for={`${id}-to`}>to</label>
        <input
          id={`${id}-to`}
          type="time"
          required
          value={to}
          onChange={(event) => onChange({ to: event.currentTarget.value })}
        />
        {beside}
      </div>
      {children}
    </fieldset>
  );
}
