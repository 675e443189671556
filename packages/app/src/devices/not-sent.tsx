import { DeedButton, Trouble, useDeed } from '../frame/form.tsx';
import { say } from '../frame/toast.tsx';
import { sendHere } from './rules.ts';

/** Says that a feed or stream does not come to this relay, and lets it come. */
export function NotSent({
  device,
  relay,
  name,
  mayChange,
}: {
  device: string;
  relay: string;
  name: string;
  mayChange: boolean;
}) {
  const { isBusy, problem, run } = useDeed();
  const send = async () => {
    const answer = await run(() => sendHere(device, name, relay));
    if (answer?.ok) say(`${name} comes here from now on.`);
  };
  return (
    <div class="not-sent">
      <span class="hint">Stays on the device.</span>
      {mayChange && (
        <DeedButton isBusy={isBusy} kind="quiet" onClick={() => void send()}>
          Send it here
        </DeedButton>
      )}
      <Trouble problem={problem} />
    </div>
  );
}
