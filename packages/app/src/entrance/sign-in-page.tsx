import { useState } from 'preact/hooks';
import { DeedButton, Field, Form, Trouble, useDeed } from '../frame/form.tsx';
import { Icon } from '../frame/icon.tsx';
import type { Answer } from '../http/ask.ts';
import type { Problem } from '../http/problem.ts';
import { Front } from './front.tsx';
import { passkeyObstacle, signInByPasskey } from './passkey.ts';
import { signInByPassword } from './sign-in.ts';

/** The ways in: a passkey first, then name and password, and what a link would be. */
export function SignInPage({ onSignedIn }: { onSignedIn: () => void }) {
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const { isBusy, problem, run } = useDeed();
  const obstacle = passkeyObstacle();
  const enter = async (way: () => Promise<Answer<undefined>>) => {
    const answer = await run(way);
    if (answer?.ok) onSignedIn();
  };
  return (
    <Front title="Sign in">
      <p class="hint">This Perch is private: only people of its household come in.</p>
      {obstacle === undefined ? (
        <DeedButton
          isBusy={isBusy}
          kind="primary"
          onClick={() => void enter(async () => passkeyWords(await signInByPasskey()))}
        >
          <Icon name="key" /> Sign in with a passkey
        </DeedButton>
      ) : (
        <p class="hint">{obstacle}</p>
      )}
      <p class="or">
        <span>or</span>
      </p>
      <Form onSubmit={() => void enter(() => signInByPassword(name.trim(), password))}>
        <Field label="Name" value={name} onValue={setName} name="username" autocomplete="username" required />
        <Field
          label="Password"
          isHidden
          value={password}
          onValue={setPassword}
          name="password"
          autocomplete="current-password"
          required
        />
        <Trouble problem={problem} />
        <DeedButton isBusy={isBusy}>Sign in with a password</DeedButton>
      </Form>
      <details>
        <summary>Here for the first time, or locked out?</summary>
        <p>
          Open the sign-in link that you were sent. An owner of the household makes you a new one under{' '}
          <em>People</em>.
        </p>
        <p>
          You run this relay yourself? <code>perch relay --sign_in</code>, or <code>perch up</code>, prints a
          link.
        </p>
      </details>
    </Front>
  );
}

/** A passkey that the relay does not know is no sign-in that has ended. */
function passkeyWords(answer: Answer<undefined>): Answer<undefined> {
  if (answer.ok || answer.problem.kind !== 'signed-out') return answer;
  const problem: Problem = {
    kind: 'refused',
    words: 'The relay does not know this passkey. It may have been removed: choose another way.',
  };
  return { ok: false, problem };
}
