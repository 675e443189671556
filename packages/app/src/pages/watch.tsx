import { useEffect } from 'preact/hooks';
import { useStreams } from '../use-streams.ts';
import { SignedOut } from './gate.tsx';
import { Header } from './header.tsx';
import { Player } from './player.tsx';

/** One stream, as large as the window allows. */
export function Watch({ topic }: { topic: string }) {
  const answer = useStreams();
  useEffect(() => {
    const before = document.title;
    document.title = `${topic} – Perch`;
    return () => {
      document.title = before;
    };
  }, [topic]);
  if (answer?.kind === 'signedOut') return <SignedOut />;
  const stream = answer?.kind === 'streams' ? answer.streams.find((one) => one.topic === topic) : undefined;
  // The list may be from before this page was opened: then it does not count us yet.
  const viewers = stream && Math.max(1, stream.viewers);
  return (
    <div class="watch">
      <Header title={topic}>{viewers && (viewers === 1 ? '1 viewer' : `${viewers} viewers`)}</Header>
      <main class="stage">
        <Player topic={topic} controls />
      </main>
    </div>
  );
}
