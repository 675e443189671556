import { useEffect, useState } from 'preact/hooks';
import { Dialog } from '../frame/dialog.tsx';
import { DeedButton, Field, Form, Trouble, useDeed } from '../frame/form.tsx';
import { SecretText } from '../frame/secret-text.tsx';
import { hrefs } from '../route.ts';
import { showUntil } from '../words/time.ts';
import { useNow } from '../words/use-now.ts';
import { type Device, type EnrolmentCode, makeCode, useDevices } from './device.ts';

/** Names a new device, shows what to type on it, and says when it has come. */
export function EnrolDialog({
  known,
  onNews,
  onClose,
}: {
  /** The devices that were there before. */
  known: readonly Device[];
  onNews: () => Promise<void>;
  onClose: () => void;
}) {
  const [name, setName] = useState('');
  const [code, setCode] = useState<EnrolmentCode>();
  const [before] = useState(() => new Set(known.map(({ id }) => id)));
  const { isBusy, problem, run } = useDeed();
  const make = async () => {
    const answer = await run(() => makeCode(name.trim()));
    if (answer?.ok) setCode(answer.value);
  };
  return (
    <Dialog title={code ? `Add ${name.trim()}` : 'Add a device'} onClose={onClose}>
      {code ? (
        <ShowCode
          code={code}
          before={before}
          isBusy={isBusy}
          onAgain={() => void make()}
          onNews={onNews}
          onClose={onClose}
        />
      ) : (
        <Form onSubmit={() => void make()}>
          <Field
            label="What is it called?"
            value={name}
            onValue={setName}
            placeholder="Kitchen"
            maxLength={64}
            required
            autocomplete="off"
            hint="A place is a good name. It can be changed later."
          />
          <Trouble problem={problem} />
          <div class="buttons">
            <DeedButton isBusy={isBusy} kind="primary">
              Go on
            </DeedButton>
          </div>
        </Form>
      )}
    </Dialog>
  );
}

const PERIOD_MS = 2_000;

function ShowCode({
  code,
  before,
  isBusy,
  onAgain,
  onNews,
  onClose,
}: {
  code: EnrolmentCode;
  before: ReadonlySet<string>;
  isBusy: boolean;
  onAgain: () => void;
  onNews: () => Promise<void>;
  onClose: () => void;
}) {
  const now = useNow(1_000);
  const { value } = useDevices(PERIOD_MS);
  const arrived = value?.find(({ id }) => !before.has(id));
  useEffect(() => {
    if (arrived) void onNews();
  }, [arrived, onNews]);
  if (arrived) {
    return (
      <div role="status">
        <p class="good">{arrived.name} is here.</p>
        <div class="buttons">
          <a class="button primary" href={hrefs.device(arrived.id)} onClick={onClose}>
            See it
          </a>
        </div>
      </div>
    );
  }
  if (code.expires !== undefined && code.expires <= now) {
    return (
      <>
        <p role="status">This code has expired. Nobody used it.</p>
        <div class="buttons">
          <DeedButton isBusy={isBusy} kind="primary" onClick={onAgain}>
            Make a new one
          </DeedButton>
        </div>
      </>
    );
  }
  return (
    <>
      <p>On the new machine, type this:</p>
      <SecretText text={code.command} what="command" />
      <div class="code-card">
        {code.qr && (
          <img src={`data:image/svg+xml,${encodeURIComponent(code.qr)}`} alt="The same, as a QR code" />
        )}
        <div>
          <p class="hint">The code alone, for a machine that asks for it:</p>
          <p class="code">{code.code}</p>
          {code.expires !== undefined && (
            <p class="hint">It works once, and ends {showUntil(code.expires, now)}.</p>
          )}
        </div>
      </div>
      <p class="waiting" role="status">
        Waiting for the machine. This window sees it come.
      </p>
    </>
  );
}
