import { createContext } from 'preact';
import { useCallback, useContext, useEffect, useState } from 'preact/hooks';
import { ask } from '../http/ask.ts';
import { forgetAnswers } from '../http/use-asked.ts';
import { decodeMe, type Me } from './me.ts';

/** What is known of who is signed in. */
export type Identity =
  | { readonly kind: 'asking' }
  | { readonly kind: 'nobody' }
  | { readonly kind: 'someone'; readonly me: Me }
  | { readonly kind: 'unreachable' };

const RETRY_MS = 2_000;

/**
 * Asks who is signed in; again by itself while the relay does not answer. `refresh` asks anew.
 *
 * @param asksAtOnce false: a link is spent first, and nobody is known before.
 */
export function useIdentity(asksAtOnce: boolean): {
  readonly identity: Identity;
  readonly refresh: () => Promise<void>;
} {
  const [identity, setIdentity] = useState<Identity>({ kind: 'asking' });
  const refresh = useCallback(async () => {
    const answer = await ask('/api/v1/me', decodeMe);
    if (answer.ok) setIdentity({ kind: 'someone', me: answer.value });
    else if (answer.problem.kind === 'unreachable' || answer.problem.kind === 'broken') {
      // Who was signed in stays so: the pages say themselves that the relay does not answer.
      setIdentity((last) => (last.kind === 'someone' ? { ...last } : { kind: 'unreachable' }));
    } else {
      forgetAnswers();
      setIdentity({ kind: 'nobody' });
    }
  }, []);
  const [asksFirst] = useState(asksAtOnce);
  useEffect(() => {
    if (asksFirst) void refresh();
  }, [asksFirst, refresh]);
  useEffect(() => {
    if (identity.kind !== 'unreachable') return;
    const timer = setInterval(() => void refresh(), RETRY_MS);
    return () => clearInterval(timer);
  }, [identity.kind, refresh]);
  return { identity, refresh };
}

interface Someone {
  readonly me: Me;
  /** After something changed about who is signed in. */
  readonly refresh: () => Promise<void>;
}

export const MeContext = createContext<Someone | undefined>(undefined);

/** Whoever is signed in. Only on pages inside the shell. */
export function useMe(): Someone {
  const someone = useContext(MeContext);
  if (!someone) throw new TypeError('useMe: this page is shown only to somebody who is signed in');
  return someone;
}
