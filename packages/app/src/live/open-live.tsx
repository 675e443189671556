import type { ComponentChildren } from 'preact';
import { Unreachable } from '../entrance/front-pages.tsx';
import { Page } from '../frame/page.tsx';
import { hrefs } from '../route.ts';
import { useStreams } from './stream-info.ts';
import { Tiles } from './tiles.tsx';

/** What is live and open to everybody. @param otherwise shown where nothing is open. */
export function OpenLive({ otherwise }: { otherwise: ComponentChildren }) {
  const { value: streams, problem } = useStreams();
  if (problem?.kind === 'unreachable' && !streams) return <Unreachable />;
  if (problem && problem.kind !== 'unreachable') return <>{otherwise}</>;
  if (!streams) return null;
  return (
    <Page
      title="Live"
      width="wide"
      actions={
        <a class="button" href={hrefs.entrance}>
          Sign in
        </a>
      }
    >
      {streams.length > 0 ? (
        <Tiles streams={streams} asksNames={false} />
      ) : (
        <div class="empty">
          <h2>Nothing is live</h2>
          <p>What is open to everybody shows up here by itself as soon as it sends.</p>
        </div>
      )}
    </Page>
  );
}
