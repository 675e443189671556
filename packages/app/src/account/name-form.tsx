import { useState } from 'preact/hooks';
import { DeedButton, Field, Form, Trouble, useDeed } from '../frame/form.tsx';
import { say } from '../frame/toast.tsx';
import type { Me } from './me.ts';
import { setMyName } from './my-account.ts';

/** My name, with a button that is there as soon as it differs. */
export function NameForm({ me, refresh }: { me: Me; refresh: () => Promise<void> }) {
  const [name, setName] = useState(me.name);
  const { isBusy, problem, run } = useDeed();
  const isChanged = name.trim() !== me.name;
  const save = async () => {
    if (!isChanged) return;
    const answer = await run(() => setMyName(name.trim()));
    if (!answer?.ok) return;
    await refresh();
    say(`You are ${name.trim()} now.`);
  };
  return (
    <Form onSubmit={() => void save()}>
      <div class="beside">
        <Field label="Name" value={name} onValue={setName} autocomplete="name" maxLength={64} required />
        <DeedButton isBusy={isBusy} kind={isChanged ? 'primary' : ''}>
          Save
        </DeedButton>
      </div>
      <Trouble problem={problem} />
    </Form>
  );
}
