import { useState } from 'preact/hooks';
import { useMe } from '../account/use-me.ts';
import { useDevices } from '../devices/device.ts';
import { Asking } from '../frame/asking.tsx';
import { Confirm } from '../frame/confirm.tsx';
import { Dialog } from '../frame/dialog.tsx';
import { DeedButton, Trouble, useDeed } from '../frame/form.tsx';
import { navigate } from '../frame/navigate.ts';
import { Page } from '../frame/page.tsx';
import { say } from '../frame/toast.tsx';
import { hrefs } from '../route.ts';
import { SignInLink } from './add-person-dialog.tsx';
import { PermissionTable } from './permission-table.tsx';
import { changePerson, makeLink, type Person, removePerson, usePeople } from './person.ts';
import { RoleChoice } from './role-choice.tsx';

/** One person, for an owner: role, permissions, a new link, the end. */
export function PersonPage({ id }: { id: string }) {
  const { me } = useMe();
  const asked = usePeople();
  const person = asked.value?.find((one) => one.id === id);
  const back = { href: hrefs.people, label: 'All people' };
  if (asked.value && !person) {
    return (
      <Page title="Nobody" back={back}>
        <div class="empty">
          <h2>This person is not here any more</h2>
          <a class="button" href={hrefs.people}>
            See all people
          </a>
        </div>
      </Page>
    );
  }
  return (
    <Page title={person?.name ?? 'Person'} back={back}>
      <Asking asked={asked} />
      {person && me.role === 'owner' && <PersonBody person={person} reload={asked.reload} />}
      {person && me.role !== 'owner' && <p class="hint">Only owners change what others may do.</p>}
    </Page>
  );
}

function PersonBody({ person, reload }: { person: Person; reload: () => Promise<void> }) {
  const devices = useDevices();
  const [link, setLink] = useState<string>();
  const [isRemoving, setRemoving] = useState(false);
  const { isBusy, problem, run } = useDeed();
  const askLink = async () => {
    const answer = await run(() => makeLink(person.id));
    if (answer?.ok) setLink(answer.value);
  };
  return (
    <>
      <RoleChoice person={person} reload={reload} />
      {person.role !== 'owner' && (
        <PermissionTable
          person={person}
          devices={devices.value ?? []}
          onChange={async (permissions) => {
            const answer = await changePerson(person.id, { permissions });
            if (!answer.ok) say(answer.problem.words);
            await reload();
          }}
        />
      )}
      <section aria-labelledby="way-in">
        <h2 id="way-in">A way in</h2>
        <p class="hint">For a new phone, or a forgotten password: a link that signs {person.name} in once.</p>
        <Trouble problem={problem} />
        <div class="buttons start">
          <DeedButton isBusy={isBusy} onClick={() => void askLink()}>
            Make a sign-in link
          </DeedButton>
          <button type="button" class="danger outline" onClick={() => setRemoving(true)}>
            Remove {person.name}
          </button>
        </div>
      </section>
      {link !== undefined && (
        <Dialog title={`Send this to ${person.name}`} onClose={() => setLink(undefined)}>
          <SignInLink link={link} />
        </Dialog>
      )}
      {isRemoving && (
        <Confirm
          title={`Remove ${person.name}?`}
          words="All that they watch or have open ends at once, and no passkey or password of theirs works any more. What they did stays in the history."
          button="Remove"
          deed={() => removePerson(person.id)}
          onDone={() => {
            say(`${person.name} is removed.`);
            void reload();
            navigate(hrefs.people);
          }}
          onClose={() => setRemoving(false)}
        />
      )}
    </>
  );
}
