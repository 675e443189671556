import { useState } from 'preact/hooks';
import { setMyName, setPassword } from '../account/my-account.ts';
import { PasswordField } from '../account/password-field.tsx';
import { useMe } from '../account/use-me.ts';
import { DeedButton, Field, Form, Trouble, useDeed } from '../frame/form.tsx';
import { Icon } from '../frame/icon.tsx';
import { navigate } from '../frame/navigate.ts';
import { hrefs } from '../route.ts';
import { showProgram } from '../words/program.ts';
import { Front } from './front.tsx';
import { addPasskey, passkeyObstacle } from './passkey.ts';

/** After the first link: a name, and a way to come back without one. */
export function WelcomePage() {
  const { me, refresh } = useMe();
  const [name, setName] = useState(me.name);
  const [isNamed, setNamed] = useState(false);
  const { isBusy, problem, run } = useDeed();
  const submit = async () => {
    const answer = name.trim() === me.name ? { ok: true } : await run(() => setMyName(name.trim()));
    if (answer?.ok) setNamed(true);
  };
  const leave = async () => {
    await refresh();
    navigate(hrefs.live);
  };
  if (isNamed) return <WayBack name={name.trim()} onDone={() => void leave()} />;
  return (
    <Front title="Welcome to Perch">
      <p>Only people you let in see what is here. How should they see you?</p>
      <Form onSubmit={() => void submit()}>
        <Field
          label="Your name"
          value={name}
          onValue={setName}
          autocomplete="name"
          required
          maxLength={64}
          hint="You sign in with it where you use a password."
        />
        <Trouble problem={problem} />
        <DeedButton isBusy={isBusy} kind="primary">
          Go on
        </DeedButton>
      </Form>
    </Front>
  );
}

function WayBack({ name, onDone }: { name: string; onDone: () => void }) {
  const obstacle = passkeyObstacle();
  const [wantsPassword, setWantsPassword] = useState(obstacle !== undefined);
  const [password, setPasswordText] = useState('');
  const { isBusy, problem, run } = useDeed();
  const finish = async (deed: Parameters<typeof run>[0]) => {
    const answer = await run(deed);
    if (answer?.ok) onDone();
  };
  return (
    <Front key="way-back" title={`Hello, ${name}`}>
      <p>
        Your link works once. Next time you come in with{' '}
        {wantsPassword
          ? 'your name and a password'
          : 'a passkey: your finger, face or PIN, nothing to remember'}
        .
      </p>
      {obstacle && <p class="hint">{obstacle}</p>}
      {wantsPassword ? (
        <Form onSubmit={() => void finish(() => setPassword(password, undefined))}>
          <input type="text" name="username" autocomplete="username" value={name} readOnly hidden />
          <PasswordField label="New password" value={password} onValue={setPasswordText} isNew />
          <Trouble problem={problem} />
          <DeedButton isBusy={isBusy} kind="primary">
            Set this password
          </DeedButton>
        </Form>
      ) : (
        <>
          <Trouble problem={problem} />
          <DeedButton
            isBusy={isBusy}
            kind="primary"
            onClick={() => void finish(() => addPasskey(showProgram(navigator.userAgent)))}
          >
            <Icon name="key" /> Make a passkey
          </DeedButton>
        </>
      )}
      <div class="buttons stacked">
        {obstacle === undefined && (
          <button type="button" class="quiet" onClick={() => setWantsPassword(!wantsPassword)}>
            {wantsPassword ? 'Use a passkey instead' : 'Use a password instead'}
          </button>
        )}
        <button type="button" class="quiet" onClick={onDone}>
          Later
        </button>
      </div>
    </Front>
  );
}
