import { useState } from 'preact/hooks';
import { Dialog } from '../frame/dialog.tsx';
import { DeedButton, Field, Form, Segments, Trouble, useDeed } from '../frame/form.tsx';
import { SecretText } from '../frame/secret-text.tsx';
import { makeToken } from './session.ts';

const DAY_S = 86_400;
const times = [
  { value: 'week', label: 'A week', seconds: 7 * DAY_S },
  { value: 'quarter', label: '3 months', seconds: 90 * DAY_S },
  { value: 'year', label: 'A year', seconds: 365 * DAY_S },
] as const;
type Time = (typeof times)[number]['value'];

const scopes = [
  { scope: 'read', label: 'Read', hint: 'see and hear what matches', words: 'read' },
  { scope: 'write', label: 'Send', hint: 'publish to what matches', words: 'send' },
  {
    scope: 'audit',
    label: 'History',
    hint: 'read who did what, whatever the topics',
    words: 'read the history',
  },
] as const;

/** What a token may do, as a verb. */
export const scopeWords = (scope: string): string =>
  scopes.find((known) => known.scope === scope)?.words ?? scope;

/** Makes a token and shows its secret, once. */
export function TokenDialog({ onMade, onClose }: { onMade: () => Promise<void>; onClose: () => void }) {
  const [topic, setTopic] = useState('');
  const [allowed, setAllowed] = useState<readonly string[]>(['read']);
  const [time, setTime] = useState<Time>('quarter');
  const [secret, setSecret] = useState<string>();
  const { isBusy, problem, run } = useDeed();
  if (secret !== undefined) {
    return (
      <Dialog key="secret" title="The token" onClose={onClose}>
        <SecretText text={secret} what="token" />
        <p class="hint">
          It is shown only now. A program sends it as <code>Authorization: Bearer …</code>.
        </p>
      </Dialog>
    );
  }
  const make = async () => {
    const seconds = times.find(({ value }) => value === time)?.seconds ?? DAY_S;
    const answer = await run(() => makeToken(topic.trim(), allowed, seconds));
    if (!answer?.ok) return;
    setSecret(answer.value);
    void onMade();
  };
  return (
    <Dialog key="ask" title="Make a token" onClose={onClose}>
      <Form onSubmit={() => void make()}>
        <Field
          label="Topics"
          value={topic}
          onValue={setTopic}
          placeholder="kitchen-x7k2/**"
          required
          maxLength={256}
          autocomplete="off"
          autocapitalize="none"
          spellcheck={false}
          hint="* stands for one part of a name, ** for all that follows."
        />
        <fieldset class="checks">
          <legend>It may</legend>
          {scopes.map(({ scope, label, hint }) => (
            <label key={scope}>
              <input
                type="checkbox"
                checked={allowed.includes(scope)}
                onChange={(event) =>
                  setAllowed(
                    event.currentTarget.checked
                      ? [...allowed, scope]
                      : allowed.filter((one) => one !== scope),
                  )
                }
              />
              <span>
                {label}
                <small>{hint}</small>
              </span>
            </label>
          ))}
        </fieldset>
        <Segments label="For how long?" value={time} onValue={setTime} options={times} />
        <Trouble problem={problem} />
        <div class="buttons">
          <DeedButton isBusy={isBusy} kind="primary">
            Make it
          </DeedButton>
        </div>
      </Form>
    </Dialog>
  );
}
