import { useId, useState } from 'preact/hooks';
import { Dialog } from '../../frame/dialog.tsx';
import { DeedButton, Form, Switch, Trouble, useDeed } from '../../frame/form.tsx';
import { HoursFields } from '../../frame/hours-fields.tsx';
import { Icon } from '../../frame/icon.tsx';
import { say } from '../../frame/toast.tsx';
import { useNow } from '../../words/use-now.ts';
import type { Hours } from '../../words/week.ts';
import { ownZone } from '../day.ts';
import { type Camera, setSchedule } from './camera.ts';
import { clockIn, type Schedule, scheduleWords } from './schedule.ts';

/** A night is the usual case: nobody looks after the house, or everybody sleeps. */
const firstHours: Hours = { days: [1, 2, 3, 4, 5, 6, 7], from: '22:00', to: '06:00' };
const MOST_ROWS = 28;

/** The week of a camera: when it is armed by itself. */
export function ScheduleDialog({
  device,
  camera,
  onChanged,
  onClose,
}: {
  device: string;
  camera: Camera;
  onChanged: () => Promise<void>;
  onClose: () => void;
}) {
  const [schedule, setDraft] = useState<Schedule>(
    () => camera.schedule ?? { zone: camera.zone ?? ownZone(), weekly: [firstHours], isOn: true },
  );
  const { isBusy, problem, run } = useDeed();
  const { weekly, isOn, zone } = schedule;
  const change = (over: Partial<Schedule>) => setDraft({ ...schedule, ...over });
  const save = async () => {
    // Hours without a day are those that somebody took all days from.
    const kept = { ...schedule, weekly: weekly.filter(({ days }) => days.length > 0) };
    const answer = await run(() => setSchedule(device, kept));
    if (!answer?.ok) return;
    say(kept.isOn && kept.weekly.length > 0 ? `Armed ${scheduleWords(kept)}.` : 'The schedule is off.');
    await onChanged();
    onClose();
  };
  return (
    <Dialog title="Schedule" onClose={onClose}>
      <Form onSubmit={() => void save()}>
        <Switch
          label={
            <>
              Arm by a schedule
              <small>
                Armed in these hours, disarmed at their end. By hand it can be changed at any time.
              </small>
            </>
          }
          on={isOn}
          onChange={(on) => change({ isOn: on })}
        />
        {isOn && (
          <>
            {weekly.map((hours, row) => (
              <HoursRow
                // A row has no name but its place.
                key={row}
                hours={hours}
                onHours={(next) => change({ weekly: weekly.with(row, next) })}
                onRemove={() => change({ weekly: weekly.toSpliced(row, 1) })}
              />
            ))}
            {weekly.length < MOST_ROWS && (
              <button type="button" onClick={() => change({ weekly: [...weekly, firstHours] })}>
                <Icon name="plus" /> {weekly.length === 0 ? 'Add hours' : 'Other hours'}
              </button>
            )}
            <ZoneChoice zone={zone} own={camera.zone} onZone={(next) => change({ zone: next })} />
          </>
        )}
        <Trouble problem={problem} />
        <div class="buttons">
          <DeedButton isBusy={isBusy} kind="primary">
            Save
          </DeedButton>
        </div>
      </Form>
    </Dialog>
  );
}

function HoursRow({
  hours,
  onHours,
  onRemove,
}: {
  hours: Hours;
  onHours: (hours: Hours) => void;
  onRemove: () => void;
}) {
  const remove = (
    <button type="button" class="quiet round" aria-label="Remove these hours" onClick={onRemove}>
      <Icon name="remove" />
    </button>
  );
  return (
    <HoursFields
      name={scheduleWords({ weekly: [hours] }) || 'Hours on no day'}
      hours={hours}
      onChange={(over) => onHours({ ...hours, ...over })}
      beside={remove}
    >
      {hours.to <= hours.from && <p class="hint">Until the next day.</p>}
    </HoursFields>
  );
}

/** By which clock. @param own the device's, where it is known. */
function ZoneChoice({
  zone,
  own,
  onZone,
}: {
  zone: string;
  own: string | undefined;
  onZone: (zone: string) => void;
}) {
  const id = useId();
  const now = useNow();
  const [zones] = useState(() =>
    [...new Set([zone, own ?? zone, ...Intl.supportedValuesOf('timeZone')])].sort(),
  );
  const clock = clockIn(zone, now);
  return (
    <div class="field">
      <label class="label" for={id}>
        By the clock of
      </label>
      <select id={id} value={zone} onChange={(event) => onZone(event.currentTarget.value)}>
        {zones.map((one) => (
          <option key={one} value={one}>
            {one === own ? `${one} (the device’s)` : one}
          </option>
        ))}
      </select>
      {clock && <p class="hint">It is {clock} there now.</p>}
    </div>
  );
}
