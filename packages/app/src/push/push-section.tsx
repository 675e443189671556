import { useCallback, useEffect, useState } from 'preact/hooks';
import type { Me } from '../account/me.ts';
import { daysWords } from '../captures/camera/schedule.ts';
import { DeedButton, Segments, Switch, Trouble, useDeed } from '../frame/form.tsx';
import { Icon } from '../frame/icon.tsx';
import { say } from '../frame/toast.tsx';
import { useAsked } from '../http/use-asked.ts';
import { ownWorker } from '../own-worker.ts';
import { showDate } from '../words/time.ts';
import { type Ability, abilityOf, abilityWords, ownFacts } from './ability.ts';
import {
  type Choice,
  decodePush,
  type PushState,
  type QuietHours,
  saveWishes,
  sendTest,
} from './push-state.ts';
import { QuietDialog } from './quiet-dialog.tsx';
import { turnOff, turnOn } from './subscription.ts';

/** Whether this browser is told of what is filmed while the app is closed; of what, and when not. */
export function PushSection({ me }: { me: Me }) {
  const asked = useAsked('/api/v1/push', decodePush);
  const here = useHere();
  const state = asked.value;
  if (!state || !here.ability) return null;
  const reload = async () => {
    await Promise.all([asked.reload(), here.look()]);
  };
  const isOn = state.subscription !== undefined && state.subscription.endpoint === here.endpoint;
  return (
    <section aria-labelledby="notifications" class="told-of">
      <h2 id="notifications">Notifications</h2>
      <InThisBrowser me={me} state={state} ability={here.ability} isOn={isOn} reload={reload} />
      {state.devices.length > 0 && <Wishes state={state} reload={reload} />}
    </section>
  );
}

/** What this browser can, and where it is reached. */
function useHere() {
  const [here, setHere] = useState<{ ability?: Ability; endpoint?: string | undefined }>({});
  const look = useCallback(async () => {
    const ability = abilityOf(await ownFacts());
    const registration = ability === 'able' ? await ownWorker() : undefined;
    const subscription = await registration?.pushManager.getSubscription().catch(() => null);
    setHere({ ability, endpoint: subscription?.endpoint });
  }, []);
  useEffect(() => void look(), [look]);
  return { ...here, look };
}

function InThisBrowser({
  me,
  state,
  ability,
  isOn,
  reload,
}: {
  me: Me;
  state: PushState;
  ability: Ability;
  isOn: boolean;
  reload: () => Promise<void>;
}) {
  const switching = useDeed();
  const testing = useDeed();
  if (ability !== 'able') {
    return (
      <p class="note">
        {abilityWords[ability]} {ability === 'untrusted' && <a href="/trust">How to trust it</a>}
      </p>
    );
  }
  const turn = async (on: boolean) => {
    await switching.run(() => (on ? turnOn(me.id, state.publicKey) : turnOff()));
    await reload();
  };
  const test = async () => {
    const answer = await testing.run(sendTest);
    if (answer?.ok) say('A test is on its way to this browser.');
    await reload();
  };
  const { until, problem } = state.subscription ?? {};
  return (
    <>
      <Switch
        label={
          <>
            Tell me in this browser
            <small>
              {isOn && until !== undefined
                ? `Also when Perch is closed. Until ${showDate(until)}: sign out and in again before.`
                : 'Of alarms and of what is filmed, also when Perch is closed'}
            </small>
          </>
        }
        on={isOn}
        disabled={switching.isBusy}
        onChange={(on) => void turn(on)}
      />
      <Trouble problem={switching.problem ?? testing.problem} />
      {isOn && problem !== undefined && !testing.problem && (
        <p class="trouble small">The last one did not arrive: {problem}.</p>
      )}
      {isOn && (
        <div class="buttons start">
          <DeedButton isBusy={testing.isBusy} onClick={() => void test()}>
            Send me a test
          </DeedButton>
        </div>
      )}
    </>
  );
}

const choiceOptions: readonly { readonly value: Choice; readonly label: string }[] = [
  { value: 'all', label: 'Everything' },
  { value: 'alarms', label: 'Alarms' },
  { value: 'nothing', label: 'Nothing' },
];

/** Of which devices, and when not: the same in all browsers of a person. */
function Wishes({ state, reload }: { state: PushState; reload: () => Promise<void> }) {
  const [isOpen, setOpen] = useState(false);
  // Shown at once; what the relay then says counts.
  const [wanted, setWanted] = useState<Readonly<Record<string, Choice>>>({});
  const { isBusy, problem, run } = useDeed();
  const devices = state.devices.map((device) => ({ ...device, send: wanted[device.id] ?? device.send }));
  const choose = async (id: string, send: Choice) => {
    if (isBusy) return;
    setWanted({ ...wanted, [id]: send });
    const next = devices.map((device) => (device.id === id ? { ...device, send } : device));
    await run(() => saveWishes({ quiet: state.quiet, devices: next }));
    await reload();
    setWanted({});
  };
  return (
    <>
      {devices.map(({ id, name, send }) => (
        <Segments
          key={id}
          label={name}
          options={choiceOptions}
          value={send}
          onValue={(next) => void choose(id, next)}
        />
      ))}
      <Trouble problem={problem} />
      <div class="schedule-line">
        <span>
          {state.quiet ? `Quiet ${quietWords(state.quiet)}` : 'No quiet hours'}
          {state.quiet && (
            <small>
              {state.quiet.zone}. {state.quiet.alarms ? 'Alarms come through.' : 'Alarms too are held back.'}
            </small>
          )}
        </span>
        <button type="button" class="quiet" onClick={() => setOpen(true)}>
          <Icon name="calendar" /> Quiet hours
        </button>
      </div>
      {isOpen && <QuietDialog state={state} onChanged={reload} onClose={() => setOpen(false)} />}
    </>
  );
}

/** `22:00–07:00, every day`. */
const quietWords = ({ from, to, days }: QuietHours): string =>
  `${from === to ? 'all day' : `${from}–${to}`}, ${daysWords(days)}`;
