import { useState } from 'preact/hooks';
import { clockIn } from '../captures/camera/schedule.ts';
import { ownZone } from '../captures/day.ts';
import { Dialog } from '../frame/dialog.tsx';
import { DeedButton, Form, Switch, Trouble, useDeed } from '../frame/form.tsx';
import { HoursFields } from '../frame/hours-fields.tsx';
import { say } from '../frame/toast.tsx';
import { useNow } from '../words/use-now.ts';
import { weekdays } from '../words/week.ts';
import { type PushState, type QuietHours, saveWishes } from './push-state.ts';

/** When nothing is told. */
export function QuietDialog({
  state,
  onChanged,
  onClose,
}: {
  state: PushState;
  onChanged: () => Promise<void>;
  onClose: () => void;
}) {
  const [isOn, setOn] = useState(state.quiet !== undefined);
  const [hours, setHours] = useState<QuietHours>(() => state.quiet ?? usualHours());
  const { isBusy, problem, run } = useDeed();
  const save = async () => {
    const quiet = isOn && hours.days.length > 0 ? hours : undefined;
    const answer = await run(() => saveWishes({ quiet, devices: state.devices }));
    if (!answer?.ok) return;
    say(quiet ? `Quiet from ${quiet.from} to ${quiet.to}.` : 'There are no quiet hours.');
    await onChanged();
    onClose();
  };
  return (
    <Dialog title="Quiet hours" onClose={onClose}>
      <Form onSubmit={() => void save()}>
        <Switch
          label={
            <>
              Keep quiet at times
              <small>What is filmed then is in Captures, and nothing of it is told later</small>
            </>
          }
          on={isOn}
          onChange={setOn}
        />
        {isOn && <Hours hours={hours} onHours={setHours} />}
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

/** A night, where the browser is. */
const usualHours = (): QuietHours => ({
  ...{ from: '22:00', to: '07:00', zone: ownZone(), days: weekdays, alarms: true },
});

function Hours({ hours, onHours }: { hours: QuietHours; onHours: (hours: QuietHours) => void }) {
  const { from, to, zone, alarms } = hours;
  const now = useNow();
  const change = (over: Partial<QuietHours>) => onHours({ ...hours, ...over });
  return (
    <>
      <HoursFields name="Quiet hours" hours={hours} onChange={change}>
        {to < from && <p class="hint">Until the next day.</p>}
        {to === from && <p class="hint">All day.</p>}
        <p class="hint">
          By the clock of {zone}, where it is {clockIn(zone, now)}.
        </p>
      </HoursFields>
      {zone !== ownZone() && (
        <button type="button" onClick={() => change({ zone: ownZone() })}>
          Use the clock of {ownZone()}
        </button>
      )}
      <Switch label="Alarms come through" on={alarms} onChange={(on) => change({ alarms: on })} />
    </>
  );
}
