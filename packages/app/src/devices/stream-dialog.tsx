import { useState } from 'preact/hooks';
import { Dialog } from '../frame/dialog.tsx';
import { DeedButton, Field, Form, Trouble, useDeed } from '../frame/form.tsx';
import { say } from '../frame/toast.tsx';
import type { Problem } from '../http/problem.ts';
import type { FeedState } from './device-state.ts';
import { putStream } from './rules.ts';
import { trackWords } from './track-words.ts';

const badName: Problem = {
  kind: 'refused',
  words: 'Letters, digits and . _ ~ - / only: the name becomes part of an address.',
};

/** Puts feeds of a device together to a stream, by a rule. */
export function StreamDialog({
  device,
  feeds,
  onClose,
}: {
  device: string;
  feeds: readonly FeedState[];
  onClose: () => void;
}) {
  const [name, setName] = useState('');
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const { isBusy, problem, run } = useDeed();
  const make = async () => {
    const stream = `stream/${name.trim().replace(/^stream\//, '')}`;
    const answer = await run(async () =>
      /^[\w.~\-/]+$/.test(stream) ? putStream(device, stream, chosen) : { ok: false, problem: badName },
    );
    if (!answer?.ok) return;
    say(`${stream} is made.`);
    onClose();
  };
  return (
    <Dialog title="New stream" onClose={onClose}>
      <p>A stream is several feeds in one: a picture with its sound, for example. Each can be muted later.</p>
      <Form onSubmit={() => void make()}>
        <Field
          label="Name"
          value={name}
          onValue={setName}
          placeholder="front"
          maxLength={64}
          required
          autocomplete="off"
          autocapitalize="none"
          spellcheck={false}
        />
        <fieldset class="checks">
          <legend>Of these feeds</legend>
          {feeds.map(({ feed, tracks }) => (
            <label key={feed}>
              <input
                type="checkbox"
                checked={chosen.includes(feed)}
                onChange={(event) =>
                  setChosen(
                    event.currentTarget.checked ? [...chosen, feed] : chosen.filter((one) => one !== feed),
                  )
                }
              />
              <span>
                {feed}
                <small>{tracks.map(trackWords).join(' · ')}</small>
              </span>
            </label>
          ))}
        </fieldset>
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
