import { useEffect, useState } from 'preact/hooks';
import { signIn } from './api.ts';
import { LinkRefused, SignedOut, Unreachable } from './pages/gate.tsx';
import { Streams } from './pages/streams.tsx';
import { Watch } from './pages/watch.tsx';
import { parseRoute } from './route.ts';
import { useStreams } from './use-streams.ts';

/** Signs in where the address carries a link's secret, then shows the page that it asks for. */
export function App() {
  const [hash, setHash] = useState(location.hash);
  const [entrance, setEntrance] = useState<'open' | 'knocking' | 'refused' | 'unreachable'>('open');
  const route = parseRoute(hash);

  useEffect(() => {
    const follow = () => setHash(location.hash);
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, []);

  const secret = route.page === 'signIn' ? route.secret : undefined;
  useEffect(() => {
    if (secret === undefined) return;
    setEntrance('knocking');
    void signIn(secret).then((outcome) => {
      if (outcome !== 'unreachable') {
        // The secret is spent: it must not stay in the address or the history.
        history.replaceState(null, '', '/');
        setHash('');
      }
      setEntrance(outcome === 'signedIn' ? 'open' : outcome);
    });
  }, [secret]);

  if (entrance === 'refused') return <LinkRefused onGoOn={() => setEntrance('open')} />;
  if (entrance === 'unreachable') return <Unreachable />;
  if (secret !== undefined || entrance === 'knocking') return <p class="words">Signing in …</p>;
  if (route.page === 'watch') return <Watch key={route.topic} topic={route.topic} />;
  return <Home />;
}

function Home() {
  const answer = useStreams();
  if (!answer) return <p class="words">Loading …</p>;
  if (answer.kind === 'signedOut') return <SignedOut />;
  if (answer.kind === 'unreachable') return <Unreachable />;
  return <Streams streams={answer.streams} />;
}
