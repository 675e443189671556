import { useState } from 'preact/hooks';
import { Dialog } from '../frame/dialog.tsx';
import { DeedButton, Form, Trouble, useDeed } from '../frame/form.tsx';
import { say } from '../frame/toast.tsx';
import { useAsked } from '../http/use-asked.ts';
import { count } from '../words/time.ts';
import { showBytes } from './capture-words.ts';
import { decodeRetention, RETENTION, type Retention, setRetention } from './retention.ts';

const days = [7, 14, 30, 90, 365];
const bytes = [1e9, 5e9, 20e9, 100e9, 500e9];

/** How long films are kept and how much room they may take. Everybody in the household sees it, owners change it. */
export function RetentionDialog({ isOwner, onClose }: { isOwner: boolean; onClose: () => void }) {
  const { value, problem } = useAsked(RETENTION, decodeRetention);
  return (
    <Dialog title="How long films are kept" onClose={onClose}>
      {problem && !value && <Trouble problem={problem} />}
      {value && (
        <>
          <Usage retention={value} />
          {isOwner ? <Limits retention={value} onClose={onClose} /> : <LimitWords retention={value} />}
        </>
      )}
    </Dialog>
  );
}

function Usage({ retention: { used, bytes: most } }: { retention: Retention }) {
  if (used === undefined) return null;
  const words =
    most === undefined
      ? `Films take ${showBytes(used)}.`
      : `Films take ${showBytes(used)} of ${showBytes(most)}.`;
  return (
    <div class="usage">
      <p>{words}</p>
      {most !== undefined && <meter aria-label={words} min={0} max={most} high={most * 0.9} value={used} />}
    </div>
  );
}

function Limits({ retention, onClose }: { retention: Retention; onClose: () => void }) {
  const [keptDays, setDays] = useState(retention.days);
  const [most, setMost] = useState(retention.bytes);
  const { isBusy, problem, run } = useDeed();
  const save = async () => {
    const answer = await run(() => setRetention(keptDays, most));
    if (!answer?.ok) return;
    say('That is how films are kept from now on.');
    onClose();
  };
  return (
    <Form onSubmit={() => void save()}>
      <Limit
        id="kept-days"
        label="Keep each film"
        none="for ever"
        value={keptDays}
        options={days}
        show={(n) => count(n, 'day')}
        onValue={setDays}
      />
      <Limit
        id="kept-bytes"
        label="All films together take at most"
        none="as much as there is"
        value={most}
        options={bytes}
        show={showBytes}
        onValue={setMost}
      />
      <p class="hint">
        What is over is deleted, the oldest first, within ten minutes. A film that you marked to be kept stays
        in any case.
      </p>
      <Trouble problem={problem} />
      <div class="buttons">
        <DeedButton isBusy={isBusy} kind="primary">
          Save
        </DeedButton>
      </div>
    </Form>
  );
}

function LimitWords({ retention }: { retention: Retention }) {
  return (
    <p>
      Each film is kept {retention.days === undefined ? 'for ever' : `for ${count(retention.days, 'day')}`}
      {retention.bytes !== undefined &&
        `, as long as all together take at most ${showBytes(retention.bytes)}`}
      . An owner can change this. A film that is marked to be kept stays in any case.
    </p>
  );
}

/** One of a few numbers, or none; one that was set elsewhere is offered too. */
function Limit({
  id,
  label,
  none,
  value,
  options,
  show,
  onValue,
}: {
  id: string;
  label: string;
  none: string;
  value: number | undefined;
  options: readonly number[];
  show: (n: number) => string;
  onValue: (value: number | undefined) => void;
}) {
  const [known] = useState(() =>
    [...new Set([...options, ...(value === undefined ? [] : [value])])].sort((a, b) => a - b),
  );
  return (
    <div class="field">
      <label class="label" for={id}>
        {label}
      </label>
      <select
        id={id}
        value={value ?? ''}
        onChange={({ currentTarget }) =>
          onValue(currentTarget.value === '' ? undefined : Number(currentTarget.value))
        }
      >
        <option value="">{none}</option>
        {known.map((option) => (
          <option key={option} value={option}>
            {show(option)}
          </option>
        ))}
      </select>
    </div>
  );
}
