import { useState } from 'preact/hooks';
import { useMe } from '../account/use-me.ts';
import { Asking } from '../frame/asking.tsx';
import { Icon } from '../frame/icon.tsx';
import { Page } from '../frame/page.tsx';
import { InviteList } from '../invites/invite-list.tsx';
import { hrefs } from '../route.ts';
import { AddPersonDialog } from './add-person-dialog.tsx';
import { roleWords } from './permission-words.ts';
import { type Person, usePeople } from './person.ts';

/** Who belongs here, who is a guest, and which links were given away. */
export function PeoplePage() {
  const { me } = useMe();
  const asked = usePeople();
  const [isAdding, setAdding] = useState(false);
  const people = asked.value;
  const isOwner = me.role === 'owner';
  const add = isOwner && (
    <button type="button" class="primary" onClick={() => setAdding(true)}>
      <Icon name="plus" /> Add a person
    </button>
  );
  return (
    <Page title="People" actions={add}>
      <Asking asked={asked} />
      {people && (
        <ul class="rows">
          {people.map((person) => (
            <li key={person.id}>
              <PersonRow person={person} isMe={person.id === me.id} isOwner={isOwner} />
            </li>
          ))}
        </ul>
      )}
      {people?.length === 1 && isOwner && (
        <p class="hint">You are alone here. Add who lives with you; for one look, a shared link is enough.</p>
      )}
      <InviteList />
      {isAdding && <AddPersonDialog onAdded={asked.reload} onClose={() => setAdding(false)} />}
    </Page>
  );
}

function PersonRow({ person, isMe, isOwner }: { person: Person; isMe: boolean; isOwner: boolean }) {
  const inside = (
    <>
      <span class="row-icon initial" aria-hidden="true">
        {person.name.slice(0, 1).toUpperCase()}
      </span>
      <span class="row-text">
        <strong>
          {person.name}
          {isMe && <span class="soft"> (you)</span>}
        </strong>
        <small>{roleWords[person.role].label}</small>
      </span>
    </>
  );
  if (!isOwner) return <div class="row">{inside}</div>;
  return (
    <a class="row" href={isMe ? hrefs.account : hrefs.person(person.id)}>
      {inside}
      <Icon name="forward" />
    </a>
  );
}
