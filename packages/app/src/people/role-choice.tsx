import { useState } from 'preact/hooks';
import { type Role, roles } from '../account/me.ts';
import { Choice } from '../frame/form.tsx';
import { say } from '../frame/toast.tsx';
import { roleWords } from './permission-words.ts';
import { changePerson, type Person } from './person.ts';

/** What somebody is in the household; a tap changes it. */
export function RoleChoice({ person, reload }: { person: Person; reload: () => Promise<void> }) {
  const [wanted, setWanted] = useState<Role>();
  const change = async (role: Role) => {
    setWanted(role);
    const answer = await changePerson(person.id, { role });
    if (answer.ok) {
      await reload();
      say(`${person.name} is ${roleWords[role].label.toLowerCase()} now.`);
    } else say(answer.problem.words);
    setWanted(undefined);
  };
  return (
    <Choice
      label="Role"
      value={wanted ?? person.role}
      onValue={(role) => void change(role)}
      options={roles.map((value) => ({ value, ...roleWords[value] }))}
    />
  );
}
