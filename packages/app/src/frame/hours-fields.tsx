import { type ComponentChildren, Fragment } from 'preact';
import { useId } from 'preact/hooks';
import { type Hours, weekdayNames, weekdays } from '../words/week.ts';

/** Days of the week to choose, and from when to when on them. */
export function HoursFields({
  name,
  hours,
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
  const { days } = hours;
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
        {(['from', 'to'] as const).map((end) => (
          <Fragment key={end}>
            <label for={`${id}-${end}`}>{end}</label>
            <input
              id={`${id}-${end}`}
              type="time"
              required
              value={hours[end]}
              onChange={(event) => onChange({ [end]: event.currentTarget.value })}
            />
          </Fragment>
        ))}
        {beside}
      </div>
      {children}
    </fieldset>
  );
}
