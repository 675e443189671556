import { useEffect } from 'preact/hooks';
import { useMe } from '../account/use-me.ts';
import type { Asked } from '../http/use-asked.ts';

/**
 * What stands in for an answer that is not there: nothing at first, as most answers come within a blink; words where it
 * takes long; why it failed. Where there is an older answer, only a line that says that it is one.
 */
export function Asking({ asked }: { asked: Asked<unknown> }) {
  const { value, problem } = asked;
  const { refresh } = useMe();
  const isSignedOut = problem?.kind === 'signed-out';
  useEffect(() => {
    if (isSignedOut) void refresh();
  }, [isSignedOut, refresh]);
  if (problem) {
    return (
      <p class={value === undefined ? 'trouble' : 'trouble stale'} role="status">
        {value === undefined ? problem.words : `${problem.words} This is what it said last.`}{' '}
        <button type="button" class="quiet small" onClick={() => void asked.reload()}>
          Try now
        </button>
      </p>
    );
  }
  return value === undefined ? <p class="patience">Loading …</p> : null;
}
