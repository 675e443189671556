import { useEffect, useState } from 'preact/hooks';

/** Now, in milliseconds since 1970, moving on every `everyMs`: for words such as "3 minutes ago". */
export function useNow(everyMs = 20_000): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}
