import { useState } from 'preact/hooks';
import { type Role, roles } from '../account/me.ts';
import { Dialog } from '../frame/dialog.tsx';
import { Choice, DeedButton, Field, Form, Trouble, useDeed } from '../frame/form.tsx';
import { SecretText } from '../frame/secret-text.tsx';
import { hrefs } from '../route.ts';
import { roleWords } from './permission-words.ts';
import { addPerson, type Made } from './person.ts';

/** Takes somebody in, and shows the link that lets them in. */
export function AddPersonDialog({ onAdded, onClose }: { onAdded: () => Promise<void>; onClose: () => void }) {
  const [name, setName] = useState('');
  const [role, setRole] = useState<Role>('member');
  const [made, setMade] = useState<Made>();
  const { isBusy, problem, run } = useDeed();
  const add = async () => {
    const answer = await run(() => addPerson(name.trim(), role));
    if (!answer?.ok) return;
    setMade(answer.value);
    void onAdded();
  };
  if (made) {
    return (
      <Dialog key="made" title={`Send this to ${name.trim()}`} onClose={onClose}>
        <SignInLink link={made.link} />
        {role === 'guest' && made.id && (
          <p>
            A guest may do nothing until you say what.{' '}
            <a href={hrefs.person(made.id)} onClick={onClose}>
              Choose what {name.trim()} may do
            </a>
          </p>
        )}
      </Dialog>
    );
  }
  return (
    <Dialog key="ask" title="Add a person" onClose={onClose}>
      <Form onSubmit={() => void add()}>
        <Field label="Name" value={name} onValue={setName} maxLength={64} required autocomplete="off" />
        <Choice
          label="Role"
          value={role}
          onValue={setRole}
          options={roles.map((value) => ({ value, ...roleWords[value] }))}
        />
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

/** A sign-in link to give away. */
export function SignInLink({ link }: { link: string }) {
  return (
    <>
      <SecretText text={link} what="link" isLink />
      <p class="hint">
        It signs in once, within 7 days, whoever opens it. It is shown only now: if it gets lost, make
        another.
      </p>
    </>
  );
}
