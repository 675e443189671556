import type { Answer } from '../http/ask.ts';
import { Dialog } from './dialog.tsx';
import { DeedButton, Trouble, useDeed } from './form.tsx';

/** Asks before something that cannot be taken back. The words say what will be, not "are you sure". */
export function Confirm({
  title,
  words,
  button,
  deed,
  onDone,
  onClose,
}: {
  title: string;
  words: string;
  button: string;
  deed: () => Promise<Answer<unknown>>;
  onDone: () => void;
  onClose: () => void;
}) {
  const { isBusy, problem, run } = useDeed();
  const go = async () => {
    const answer = await run(deed);
    if (answer?.ok) onDone();
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <p>{words}</p>
      <Trouble problem={problem} />
      <div class="buttons">
        <button type="button" class="quiet" onClick={onClose}>
          Leave it
        </button>
        <DeedButton isBusy={isBusy} kind="danger" onClick={() => void go()}>
          {button}
        </DeedButton>
      </div>
    </Dialog>
  );
}
