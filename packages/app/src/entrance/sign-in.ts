import { type Answer, tell } from '../http/ask.ts';

/** Spends the secret of a sign-in link. */
export const signInByLink = (secret: string): Promise<Answer<undefined>> =>
  tell('/api/v1/sign-in', { method: 'POST', body: { secret } });

/** Signs in by name and password. What is wrong about them the relay does not tell. */
export async function signInByPassword(name: string, password: string): Promise<Answer<undefined>> {
  const answer = await tell('/api/v1/sign-in/password', { method: 'POST', body: { name, password } });
  if (answer.ok || answer.problem.kind !== 'signed-out') return answer;
  return {
    ok: false,
    problem: { kind: 'refused', words: 'Name and password do not fit together. Try again.' },
  };
}

/** Signs this browser out. */
export const signOut = (): Promise<Answer<undefined>> =>
  tell('/api/v1/sign-out', { method: 'POST', body: {} });
