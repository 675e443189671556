import { useId, useState } from 'preact/hooks';
import { Switch } from '../frame/form.tsx';
import { say } from '../frame/toast.tsx';
import { showAgo } from '../words/time.ts';
import { useNow } from '../words/use-now.ts';
import type { MotionState } from './device-state.ts';
import { putMotion } from './rules.ts';

/** Whether a feed or stream is filmed when something moves in it: a switch, how much moves now, and what is enough. */
export function MotionSwitch({
  device,
  name,
  motion,
  isAllowed,
}: {
  device: string;
  name: string;
  motion: MotionState;
  isAllowed: boolean;
}) {
  // What was asked for and is not told by the device yet.
  const [wanted, setWanted] = useState<Partial<Pick<MotionState, 'isOn' | 'sensitivity'>>>({});
  const isOn = wanted.isOn ?? motion.isOn;
  const change = async (next: { isOn: boolean } | { sensitivity: number }, words: string) => {
    setWanted((before) => ({ ...before, ...next }));
    const answer = await putMotion(device, name, next);
    // The device has kept it, and tells it within a second; until then what was asked for is shown.
    if (!answer.ok) setWanted({});
    say(answer.ok ? words : answer.problem.words);
  };
  if (wanted.isOn === motion.isOn) setWanted(({ isOn: _, ...rest }) => rest);
  if (wanted.sensitivity === motion.sensitivity) setWanted(({ sensitivity: _, ...rest }) => rest);
  return (
    <fieldset class="motion">
      <legend>Motion</legend>
      <Switch
        label={
          <>
            Film when something moves
            <small>{isOn ? <Standing motion={motion} /> : 'Off'}</small>
          </>
        }
        on={isOn}
        disabled={!isAllowed}
        onChange={(on) =>
          void change(
            { isOn: on },
            on ? `${name} is filmed when something moves.` : `${name} is not filmed any more.`,
          )
        }
      />
      {isOn && motion.trouble && <p class="trouble small">{motion.trouble}</p>}
      {isOn && (
        <Sensitivity
          level={motion.level}
          value={wanted.sensitivity ?? motion.sensitivity}
          isAllowed={isAllowed}
          onValue={(sensitivity) => void change({ sensitivity }, `Sensitivity ${sensitivity} of 10.`)}
        />
      )}
    </fieldset>
  );
}

/** What it does, in a few words. */
function Standing({ motion: { isFilming, lastMotion } }: { motion: MotionState }) {
  const now = useNow();
  if (isFilming) return <span role="status">Filming</span>;
  return (
    <>{lastMotion === undefined ? 'Nothing has moved yet' : `Last motion ${showAgo(lastMotion, now)}`}</>
  );
}

function Sensitivity({
  level,
  value,
  isAllowed,
  onValue,
}: {
  level: number;
  value: number;
  isAllowed: boolean;
  onValue: (value: number) => void;
}) {
  const id = useId();
  return (
    <div class="motion-level">
      <label for={`${id}-meter`}>Moves now</label>
      <meter id={`${id}-meter`} min={0} max={2} low={0.5} high={0.99} optimum={0} value={Math.min(2, level)}>
        {level >= 1 ? 'enough to film' : 'not enough to film'}
      </meter>
      <label for={`${id}-range`}>Sensitivity</label>
      <input
        id={`${id}-range`}
        type="range"
        min={1}
        max={10}
        step={1}
        value={value}
        disabled={!isAllowed}
        onChange={(event) => onValue(event.currentTarget.valueAsNumber)}
      />
    </div>
  );
}
