import { useState } from 'preact/hooks';
import { addPasskey, passkeyObstacle } from '../entrance/passkey.ts';
import { Confirm } from '../frame/confirm.tsx';
import { DeedButton, Trouble, useDeed } from '../frame/form.tsx';
import { Icon } from '../frame/icon.tsx';
import { say } from '../frame/toast.tsx';
import { showProgram } from '../words/program.ts';
import { showAgo, showDate } from '../words/time.ts';
import { useNow } from '../words/use-now.ts';
import type { Passkey } from './me.ts';
import { removePasskey } from './my-account.ts';

/** The passkeys that sign me in. */
export function Passkeys({
  passkeys,
  refresh,
}: {
  passkeys: readonly Passkey[];
  refresh: () => Promise<void>;
}) {
  const now = useNow();
  const [ending, setEnding] = useState<Passkey>();
  const { isBusy, problem, run } = useDeed();
  const obstacle = passkeyObstacle();
  const add = async () => {
    const answer = await run(() => addPasskey(showProgram(navigator.userAgent)));
    if (!answer?.ok) return;
    await refresh();
    say('The passkey signs you in from now on.');
  };
  return (
    <section aria-labelledby="passkeys">
      <div class="section-head">
        <h2 id="passkeys">Passkeys</h2>
        {obstacle === undefined && (
          <DeedButton isBusy={isBusy} onClick={() => void add()}>
            <Icon name="plus" /> Add a passkey
          </DeedButton>
        )}
      </div>
      <Trouble problem={problem} />
      {obstacle !== undefined && <p class="hint">{obstacle}</p>}
      {passkeys.length === 0 && obstacle === undefined && (
        <p class="hint">None yet. A passkey signs you in by finger, face or PIN, with nothing to remember.</p>
      )}
      {passkeys.length > 0 && (
        <ul class="rows">
          {passkeys.map((passkey) => (
            <li key={passkey.id} class="row">
              <span class="row-icon">
                <Icon name="key" />
              </span>
              <span class="row-text">
                <strong>{passkey.name}</strong>
                <small>{historyOf(passkey, now)}</small>
              </span>
              <button
                type="button"
                class="quiet small danger"
                aria-label={`Remove the passkey ${passkey.name}`}
                onClick={() => setEnding(passkey)}
              >
                Remove
              </button>
            </li>
          ))}
        </ul>
      )}
      {ending && (
        <Confirm
          title={`Remove the passkey ${ending.name}?`}
          words="It signs you in no more. Browsers that are signed in stay so. Your device may go on offering it: delete it there too."
          button="Remove"
          deed={() => removePasskey(ending.id)}
          onDone={() => void refresh().then(() => setEnding(undefined))}
          onClose={() => setEnding(undefined)}
        />
      )}
    </section>
  );
}

function historyOf({ created, lastUsed }: Passkey, now: number): string {
  const made = created === undefined ? '' : `Made ${showDate(created)}`;
  return [made, lastUsed === undefined ? 'not used yet' : `used ${showAgo(lastUsed, now)}`]
    .filter((words) => words !== '')
    .join(' · ');
}
