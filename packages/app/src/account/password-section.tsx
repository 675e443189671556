import { useState } from 'preact/hooks';
import { Dialog } from '../frame/dialog.tsx';
import { DeedButton, Form, Trouble, useDeed } from '../frame/form.tsx';
import { say } from '../frame/toast.tsx';
import type { Me } from './me.ts';
import { setPassword } from './my-account.ts';
import { PasswordField } from './password-field.tsx';

/** Whether there is a password, and the way to another. */
export function PasswordSection({ me, refresh }: { me: Me; refresh: () => Promise<void> }) {
  const [isOpen, setOpen] = useState(false);
  const done = async () => {
    await refresh();
    setOpen(false);
    say('The password is set.');
  };
  return (
    <section aria-labelledby="password">
      <div class="section-head">
        <h2 id="password">Password</h2>
        <button type="button" onClick={() => setOpen(true)}>
          {me.hasPassword ? 'Change it' : 'Set one'}
        </button>
      </div>
      <p class="hint">
        {me.hasPassword
          ? `You have one, for where a passkey is not at hand. With it goes the name ${me.signInName}.`
          : 'None, and none is needed where you have a passkey.'}
      </p>
      {isOpen && (
        <Dialog
          title={me.hasPassword ? 'Change the password' : 'Set a password'}
          onClose={() => setOpen(false)}
        >
          <PasswordForm me={me} onDone={done} />
        </Dialog>
      )}
    </section>
  );
}

function PasswordForm({ me, onDone }: { me: Me; onDone: () => Promise<void> }) {
  const [current, setCurrent] = useState('');
  const [next, setNext] = useState('');
  const { isBusy, problem, run } = useDeed();
  const save = async () => {
    const answer = await run(() => setPassword(next, me.hasPassword ? current : undefined));
    if (answer?.ok) await onDone();
  };
  return (
    <Form onSubmit={() => void save()}>
      <input type="text" name="username" autocomplete="username" value={me.signInName} readOnly hidden />
      {me.hasPassword && <PasswordField label="The password so far" value={current} onValue={setCurrent} />}
      <PasswordField label="New password" value={next} onValue={setNext} isNew />
      <Trouble problem={problem} />
      <div class="buttons">
        <DeedButton isBusy={isBusy} kind="primary">
          Set it
        </DeedButton>
      </div>
    </Form>
  );
}
