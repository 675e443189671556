import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { ask } from './ask.ts';
import type { Problem } from './problem.ts';

/** What is known of the answer to a question that a page goes on asking. */
export interface Asked<T> {
  /** The last good answer. It stays while the relay does not answer. */
  readonly value: T | undefined;
  /** Why the last question came to nothing. */
  readonly problem: Problem | undefined;
  /** Asks now. Resolves when the page has the answer. */
  reload(): Promise<void>;
}

/** Answers from before, so that going back to a page shows it at once. Of one person: {@link forgetAnswers}. */
const kept = new Map<string, unknown>();

/** Forgets what was answered to whoever was signed in. */
export const forgetAnswers = (): void => kept.clear();

/** What a page wants to find again when one comes back to it; of one person, as the answers are. */
export const remember = (key: string, value: unknown): void => void kept.set(key, value);
export const recall = <T>(key: string): T | undefined => kept.get(key) as T | undefined;

/**
 * Asks `path` when the page opens, when it is seen again, and every `everyMs` while it is seen.
 *
 * @param path `undefined` asks nothing.
 * @param decode must be the same function each time.
 */
export function useAsked<T>(
  path: string | undefined,
  decode: (value: unknown) => T,
  everyMs?: number,
): Asked<T> {
  const [state, setState] = useState(() => ({ path, ...before<T>(path) }));
  const round = useRef<() => Promise<void>>(async () => undefined);
  useEffect(() => {
    if (path === undefined) return;
    const scope = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const next = async () => {
      clearTimeout(timer);
      const answer = await ask(path, decode, { signal: scope.signal });
      if (scope.signal.aborted) return;
      if (answer.ok) {
        kept.set(path, answer.value);
        setState({ path, value: answer.value, problem: undefined });
      } else {
        setState((last) => ({
          path,
          value: last.path === path ? last.value : undefined,
          problem: answer.problem,
        }));
      }
      const pause = answer.ok ? everyMs : RETRY_MS;
      const isWorthIt = answer.ok || answer.problem.kind === 'unreachable';
      if (pause !== undefined && isWorthIt) timer = setTimeout(() => void whenSeen(), pause);
    };
    const whenSeen = () => (document.visibilityState === 'visible' ? next() : Promise.resolve());
    round.current = next;
    document.addEventListener('visibilitychange', () => void whenSeen(), { signal: scope.signal });
    void next();
    return () => {
      scope.abort();
      clearTimeout(timer);
    };
  }, [path, decode, everyMs]);
  const reload = useCallback(() => round.current(), []);
  // Until the effect has run the state may be of the path before.
  const { value, problem } = state.path === path ? state : { ...before<T>(path) };
  return { value, problem, reload };
}

/** After no answer the next question comes this much later. */
const RETRY_MS = 3_000;

const before = <T>(path: string | undefined): { value: T | undefined; problem: Problem | undefined } => ({
  value: path === undefined ? undefined : (kept.get(path) as T | undefined),
  problem: undefined,
});
