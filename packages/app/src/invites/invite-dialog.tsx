import { useState } from 'preact/hooks';
import type { Permission } from '../account/me.ts';
import { useDevices } from '../devices/device.ts';
import { Dialog } from '../frame/dialog.tsx';
import { DeedButton, Field, Form, Segments, Trouble, useDeed } from '../frame/form.tsx';
import { SecretText } from '../frame/secret-text.tsx';
import { useStreams } from '../live/stream-info.ts';
import { permissionWords } from '../people/permission-words.ts';
import { makeInvite } from './invite.ts';

/** What a link can be to. */
export type Shared =
  | { readonly topic: string; readonly device?: undefined }
  | { readonly topic?: undefined; readonly device: string; readonly name: string };

const HOUR_S = 3_600;
const times = [
  { value: 'hour', label: 'An hour', seconds: HOUR_S },
  { value: 'day', label: 'A day', seconds: 24 * HOUR_S },
  { value: 'week', label: 'A week', seconds: 168 * HOUR_S },
  { value: 'month', label: 'A month', seconds: 720 * HOUR_S },
] as const;
type Time = (typeof times)[number]['value'];

/** What a link may let somebody do with a stream, and what with a device. */
const offered: { readonly [K in 'topic' | 'device']: readonly Permission[] } = {
  topic: ['view', 'listen'],
  device: ['view', 'listen', 'talk', 'command', 'call'],
};

/** Makes a link for somebody without an account. @param what where it is clear already. */
export function InviteDialog({ what, onClose }: { what?: Shared; onClose: () => void }) {
  const [chosen, setChosen] = useState(what);
  const [name, setName] = useState('');
  const [allowed, setAllowed] = useState<readonly Permission[]>(['view', 'listen']);
  const [time, setTime] = useState<Time>('day');
  const [isOnce, setOnce] = useState(false);
  const [link, setLink] = useState<string>();
  const { isBusy, problem, run } = useDeed();
  if (link !== undefined) {
    return (
      <Dialog key="link" title={`Send this to ${name.trim()}`} onClose={onClose}>
        <SecretText text={link} what="link" isLink />
        <p class="hint">
          Whoever has it can open it{isOnce ? ' once' : ''}, for {labelOf(time).toLowerCase()}. It is shown
          only now. You can end it under <em>People</em>.
        </p>
      </Dialog>
    );
  }
  const make = async () => {
    if (!chosen) return;
    const answer = await run(() =>
      makeInvite({
        for: name.trim(),
        ...(chosen.topic === undefined ? { device: chosen.device } : { topic: chosen.topic }),
        permissions: allowed,
        ttl: times.find(({ value }) => value === time)?.seconds ?? HOUR_S,
        once: isOnce,
      }),
    );
    if (answer?.ok) setLink(answer.value);
  };
  const title = what ? `Share ${what.topic ?? what.name}` : 'Share something';
  return (
    <Dialog key="ask" title={title} onClose={onClose}>
      <Form onSubmit={() => void make()}>
        {!what && <WhatChoice chosen={chosen} onChosen={setChosen} />}
        <Field
          label="For whom?"
          value={name}
          onValue={setName}
          maxLength={64}
          required
          autocomplete="off"
          hint="The history names whoever opens the link so."
        />
        <fieldset class="checks">
          <legend>They may</legend>
          {offered[chosen?.device === undefined ? 'topic' : 'device'].map((permission) => (
            <label key={permission}>
              <input
                type="checkbox"
                checked={allowed.includes(permission)}
                onChange={(event) =>
                  setAllowed(
                    event.currentTarget.checked
                      ? [...allowed, permission]
                      : allowed.filter((one) => one !== permission),
                  )
                }
              />
              <span>
                {permissionWords[permission].label}
                <small>{permissionWords[permission].hint}</small>
              </span>
            </label>
          ))}
        </fieldset>
        <Segments label="For how long?" value={time} onValue={setTime} options={times} />
        <fieldset class="checks">
          <legend class="heard-only">How often</legend>
          <label>
            <input
              type="checkbox"
              checked={isOnce}
              onChange={(event) => setOnce(event.currentTarget.checked)}
            />
            <span>
              It opens once<small>then only the browser that opened it goes on</small>
            </span>
          </label>
        </fieldset>
        <Trouble problem={problem} />
        <div class="buttons">
          <DeedButton isBusy={isBusy} kind="primary">
            Make the link
          </DeedButton>
        </div>
      </Form>
    </Dialog>
  );
}

const labelOf = (time: Time): string => times.find(({ value }) => value === time)?.label ?? '';

/** Which stream or device. */
function WhatChoice({ chosen, onChosen }: { chosen: Shared | undefined; onChosen: (what: Shared) => void }) {
  const devices = useDevices().value ?? [];
  const streams = useStreams().value ?? [];
  const options: Shared[] = [
    ...devices.map(({ id, name }) => ({ device: id, name })),
    ...streams.map(({ topic }) => ({ topic })),
  ];
  const keyOf = (what: Shared) => what.topic ?? `device ${what.device}`;
  return (
    <div class="field">
      <label class="label" for="share-what">
        What?
      </label>
      <select
        id="share-what"
        required
        value={chosen ? keyOf(chosen) : ''}
        onChange={(event) => {
          const picked = options.find((option) => keyOf(option) === event.currentTarget.value);
          if (picked) onChosen(picked);
        }}
      >
        <option value="" disabled>
          {options.length > 0 ? 'Choose …' : 'Nothing is live, and there are no devices'}
        </option>
        {options.map((option) => (
          <option key={keyOf(option)} value={keyOf(option)}>
            {option.topic ?? `${option.name} (the whole device)`}
          </option>
        ))}
      </select>
    </div>
  );
}
