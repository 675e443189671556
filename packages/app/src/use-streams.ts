import { useEffect, useState } from 'preact/hooks';
import { fetchStreams, type StreamsAnswer } from './api.ts';

const PERIOD_MS = 2_000;

/** The live topics, asked for again every two seconds while the page is seen. `undefined` before the first answer. */
export function useStreams(): StreamsAnswer | undefined {
  const [answer, setAnswer] = useState<StreamsAnswer>();
  useEffect(() => {
    const scope = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const round = async () => {
      clearTimeout(timer);
      if (document.visibilityState === 'visible') {
        const next = await fetchStreams(scope.signal);
        if (scope.signal.aborted) return;
        setAnswer(next);
      }
      timer = setTimeout(() => void round(), PERIOD_MS);
    };
    const wake = () => {
      if (document.visibilityState === 'visible') void round();
    };
    document.addEventListener('visibilitychange', wake, { signal: scope.signal });
    void round();
    return () => {
      scope.abort();
      clearTimeout(timer);
    };
  }, []);
  return answer;
}
