import { useState } from 'preact/hooks';
import { may, mayLookAround } from '../../account/me.ts';
import { useMe } from '../../account/use-me.ts';
import { DeedButton, Trouble, useDeed } from '../../frame/form.tsx';
import { Icon } from '../../frame/icon.tsx';
import { segment } from '../../http/ask.ts';
import { sentence } from '../../http/problem.ts';
import { useAsked } from '../../http/use-asked.ts';
import { useEvents } from '../../http/use-events.ts';
import { showMoment } from '../../words/time.ts';
import {
  armedWords,
  askForFilm,
  type Camera,
  cameraPath,
  decodeCamera,
  setArmed,
  stepsOf,
  type Told,
  whyNot,
} from './camera.ts';
import { clockIn, scheduleWords } from './schedule.ts';
import { ScheduleDialog } from './schedule-dialog.tsx';

/** The news come as events; this is for those that were missed. */
const PERIOD_MS = 30_000;

/** A command is news for so long. */
const NEWS_MS = 60_000;

/** A device's camera, for who may command it: whether it is armed, what it was told last and how far that came. */
export function CameraPanel({
  device,
  isOnline,
  isSmall = false,
}: {
  device: string;
  isOnline: boolean;
  /** Above films: only what is needed now. */
  isSmall?: boolean;
}) {
  const { me } = useMe();
  const mayCommand = may(me, 'command', device);
  const asked = useAsked(mayCommand ? cameraPath(device) : undefined, decodeCamera, PERIOD_MS);
  const [heard, setHeard] = useState<{ readonly since: unknown; readonly camera: Camera }>();
  useEvents(mayCommand ? `/api/v1/devices/${segment(device)}/events` : undefined, 'camera', (_kind, value) =>
    setHeard({ since: asked.value, camera: decodeCamera(value) }),
  );
  // The later of the two: an answer that came after the event says more.
  const camera = heard && heard.since === asked.value ? heard.camera : asked.value;
  if (!mayCommand || (!camera && asked.problem)) return null;
  // Its room: what is below stays in its place when the answer comes.
  if (!camera) return <div class="camera waits" />;
  const { problem, last } = camera;
  const [told] = last;
  // What is in the way of all is said once.
  const isSaid = told?.failed !== undefined && told.failed === problem;
  const isNews = told?.asked !== undefined && Date.now() - told.asked < NEWS_MS;
  return (
    <section class="camera" aria-label="Camera">
      <ArmedLine camera={camera} isOnline={isOnline} />
      <CameraButtons device={device} camera={camera} isOnline={isOnline} onTold={asked.reload} />
      {problem !== undefined && <p class="trouble small">{sentence(problem)}</p>}
      {told && !isSaid && (isNews || !isSmall) && <LastTold told={told} />}
      {!isSmall && (
        <ScheduleLine
          device={device}
          camera={camera}
          mayChange={mayLookAround(me)}
          onChanged={asked.reload}
        />
      )}
    </section>
  );
}

function ArmedLine({ camera, isOnline }: { camera: Camera; isOnline: boolean }) {
  const { word, hint } = armedWords(camera, isOnline);
  const { wanted, known, by, at } = camera;
  const isOnTheWay = wanted !== undefined && wanted !== known;
  const dot = isOnTheWay ? (whyNot(camera) ? 'dot bad' : 'dot waiting') : known ? 'dot' : 'dot off';
  return (
    <p class="armed" role="status">
      <span class={dot} />
      <span>
        <strong>{word}</strong>
        <small>
          {hint}
          {at !== undefined && ` By ${by}, ${showMoment(at, Date.now())}.`}
        </small>
      </span>
    </p>
  );
}

function CameraButtons({
  device,
  camera,
  isOnline,
  onTold,
}: {
  device: string;
  camera: Camera;
  isOnline: boolean;
  onTold: () => Promise<void>;
}) {
  const arming = useDeed();
  const capturing = useDeed();
  const isArmed = camera.wanted ?? camera.known ?? false;
  const after = async (answer: unknown) => {
    if (answer) await onTold();
  };
  return (
    <>
      <div class="buttons start">
        <DeedButton
          isBusy={arming.isBusy}
          kind={isArmed ? '' : 'primary'}
          onClick={() => void arming.run(() => setArmed(device, !isArmed)).then(after)}
        >
          {isArmed ? 'Disarm' : 'Arm'}
        </DeedButton>
        {isOnline && (
          <DeedButton
            isBusy={capturing.isBusy}
            onClick={() => void capturing.run(() => askForFilm(device)).then(after)}
          >
            <Icon name="captures" /> Capture now
          </DeedButton>
        )}
      </div>
      <Trouble problem={arming.problem ?? capturing.problem} />
    </>
  );
}

const commandWords = { arm: 'Arm', disarm: 'Disarm', capture: 'Capture' } as const;

/** How far the last command came: asked, on the device, with the camera program; or why not. */
function LastTold({ told }: { told: Told }) {
  const { command, by, asked, failed } = told;
  const when = asked === undefined ? '' : `, ${showMoment(asked, Date.now())}`;
  const steps = stepsOf(told);
  const done = steps.filter(({ at }) => at !== undefined);
  return (
    <div class="told" role="status">
      <small>
        {commandWords[command]}, by {by}
        {when}
      </small>
      {failed === undefined ? (
        <ol>
          {steps.map(({ word, at }) => (
            <li key={word} class={at === undefined ? '' : 'done'}>
              {word}
              <span class="heard-only">{at === undefined ? ': not yet' : ': done'}</span>
            </li>
          ))}
        </ol>
      ) : (
        <p class="trouble small">
          {done.length > 1 ? 'The device has it, but: ' : ''}
          {done.length > 1 ? failed : sentence(failed)}
        </p>
      )}
    </div>
  );
}

function ScheduleLine({
  device,
  camera,
  mayChange,
  onChanged,
}: {
  device: string;
  camera: Camera;
  mayChange: boolean;
  onChanged: () => Promise<void>;
}) {
  const [isOpen, setOpen] = useState(false);
  const { schedule } = camera;
  const isOn = schedule?.isOn === true && schedule.weekly.length > 0;
  if (!isOn && !mayChange) return null;
  return (
    <div class="schedule-line">
      <span>
        {isOn ? `Armed ${scheduleWords(schedule)}` : 'No schedule'}
        {isOn && (
          <small>
            {schedule.zone}, where it is {clockIn(schedule.zone, Date.now())}
          </small>
        )}
      </span>
      {mayChange && (
        <button type="button" class="quiet" onClick={() => setOpen(true)}>
          <Icon name="calendar" /> Schedule
        </button>
      )}
      {isOpen && (
        <ScheduleDialog
          device={device}
          camera={camera}
          onChanged={onChanged}
          onClose={() => setOpen(false)}
        />
      )}
    </div>
  );
}
