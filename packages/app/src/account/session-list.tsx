import { Icon } from '../frame/icon.tsx';
import { say } from '../frame/toast.tsx';
import { useAsked } from '../http/use-asked.ts';
import { usePeople } from '../people/person.ts';
import { showProgram } from '../words/program.ts';
import { showAgo } from '../words/time.ts';
import { useNow } from '../words/use-now.ts';
import { mayLookAround } from './me.ts';
import { decodeSessions, endSession, type Session } from './session.ts';
import { useMe } from './use-me.ts';

/** The browsers that are signed in; for an owner all of the household's. */
export function SessionList() {
  const { me } = useMe();
  const asked = useAsked('/api/v1/sessions', decodeSessions);
  const now = useNow();
  const people = usePeople(mayLookAround(me));
  const names = new Map(people.value?.map(({ id, name }) => [id, name]));
  const sessions = asked.value ?? [];
  const end = async (session: Session) => {
    const answer = await endSession(session.id);
    say(answer.ok ? `${showProgram(session.userAgent)} is signed out.` : answer.problem.words);
    await asked.reload();
  };
  const whose = ({ user }: Session): string => {
    if (user === me.id) return '';
    return user === undefined ? ' of somebody with a shared link' : ` of ${names.get(user) ?? 'somebody'}`;
  };
  if (sessions.length === 0) return null;
  return (
    <section aria-labelledby="sessions">
      <h2 id="sessions">Signed-in browsers</h2>
      <ul class="rows">
        {sessions.map((session) => (
          <li key={session.id} class="row">
            <span class="row-icon">
              <Icon name="account" />
            </span>
            <span class="row-text">
              <strong>
                {showProgram(session.userAgent)}
                {whose(session)}
              </strong>
              <small>{session.current ? 'This browser' : whenUsed(session, now)}</small>
            </span>
            {!session.current && (
              <button
                type="button"
                class="quiet small danger"
                aria-label={`Sign out ${showProgram(session.userAgent)}`}
                onClick={() => void end(session)}
              >
                Sign out
              </button>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}

function whenUsed({ lastUsed, created, address }: Session, now: number): string {
  const at = lastUsed ?? created;
  return at === undefined ? address : `Used ${showAgo(at, now)} from ${address}`;
}
