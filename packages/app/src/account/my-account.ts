import { type Answer, segment, tell } from '../http/ask.ts';

/** Changes the name of whoever is signed in. */
export const setMyName = (name: string): Promise<Answer<undefined>> =>
  tell('/api/v1/me', { method: 'PATCH', body: { name } });

/** Sets or changes the password. @param current the one so far, where there is one. */
export async function setPassword(password: string, current: string | undefined): Promise<Answer<undefined>> {
  const body = current === undefined ? { password } : { password, current };
  const answer = await tell('/api/v1/me/password', { method: 'PUT', body });
  // The sign-in itself is good: else no page would have asked.
  if (answer.ok || current === undefined || answer.problem.kind !== 'signed-out') return answer;
  return { ok: false, problem: { kind: 'refused', words: 'The password so far is another.' } };
}

/** A passkey of mine signs nobody in any more. */
export const removePasskey = (id: string): Promise<Answer<undefined>> =>
  tell(`/api/v1/me/passkeys/${segment(id)}`, { method: 'DELETE' });
