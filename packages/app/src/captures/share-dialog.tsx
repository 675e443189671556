import { useState } from 'preact/hooks';
import { Dialog } from '../frame/dialog.tsx';
import { DeedButton, Field, Form, Segments, Trouble, useDeed } from '../frame/form.tsx';
import { SecretText } from '../frame/secret-text.tsx';
import { type NewShare, shareFilm } from './share.ts';

const HOUR_S = 3_600;
const times = [
  { value: 'hour', label: 'An hour', seconds: HOUR_S },
  { value: 'day', label: 'A day', seconds: 24 * HOUR_S },
  { value: 'week', label: 'A week', seconds: 168 * HOUR_S },
  { value: 'month', label: 'A month', seconds: 720 * HOUR_S },
] as const;
type Time = (typeof times)[number]['value'];

/** Makes a link to one film, for somebody without an account. @param whose which film, in words. */
export function ShareDialog({ film, whose, onClose }: { film: string; whose: string; onClose: () => void }) {
  const [name, setName] = useState('');
  const [time, setTime] = useState<Time>('day');
  const [made, setMade] = useState<NewShare>();
  const { isBusy, problem, run } = useDeed();
  const { label, seconds } = times.find(({ value }) => value === time) ?? times[1];
  if (made) {
    return (
      <Dialog
        key="link"
        title={name.trim() ? `Send this to ${name.trim()}` : 'Send this link'}
        onClose={onClose}
      >
        <SecretText text={made.link} what="link" isLink />
        <div class="code-card">
          {made.qr && (
            <img src={`data:image/svg+xml,${encodeURIComponent(made.qr)}`} alt="The link as a QR code" />
          )}
          <div>
            <p class="hint">
              Whoever has it sees this one film, for {label.toLowerCase()}, without an account. It is shown
              only now. You can end it below the film.
            </p>
          </div>
        </div>
      </Dialog>
    );
  }
  const make = async () => {
    const answer = await run(() => shareFilm(film, seconds, name.trim()));
    if (answer?.ok) setMade(answer.value);
  };
  return (
    <Dialog key="ask" title="Share this film" onClose={onClose}>
      <p>{whose}</p>
      <Form onSubmit={() => void make()}>
        <Field
          label="For whom?"
          value={name}
          onValue={setName}
          maxLength={64}
          autocomplete="off"
          placeholder="Anybody who has the link"
          hint="The history names whoever opens the link so."
        />
        <Segments label="For how long?" value={time} onValue={setTime} options={times} />
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
