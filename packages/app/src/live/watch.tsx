import type { ComponentChildren } from 'preact';
import { useContext, useState } from 'preact/hooks';
import { mayLookAround } from '../account/me.ts';
import { MeContext } from '../account/use-me.ts';
import { useDeviceNames } from '../devices/device.ts';
import { Icon } from '../frame/icon.tsx';
import { useTitle } from '../frame/page.tsx';
import { InviteDialog } from '../invites/invite-dialog.tsx';
import { hrefs } from '../route.ts';
import { count } from '../words/time.ts';
import { Player } from './player.tsx';
import { topicWords, useStreams } from './stream-info.ts';

/** One stream, as large as the window allows. @param signedOut shown to who may not see it. */
export function WatchPage({ topic, signedOut }: { topic: string; signedOut?: ComponentChildren }) {
  const someone = useContext(MeContext);
  const { value: streams, problem } = useStreams();
  const names = useDeviceNames(someone !== undefined);
  const [isSharing, setSharing] = useState(false);
  useTitle(topic);
  if (problem?.kind === 'signed-out' && signedOut) return <>{signedOut}</>;
  const stream = streams?.find((one) => one.topic === topic);
  const { where, what } = topicWords(topic, names);
  return (
    <div class="watch">
      <header class="page-head">
        <a class="button quiet round" href={hrefs.live} aria-label="All streams">
          <Icon name="back" />
        </a>
        <h1>
          <span class="path">{where}</span>
          {what}
        </h1>
        <div class="aside">
          {stream && stream.viewers > 1 && <span>{count(stream.viewers, 'viewer')}</span>}
          {someone && mayLookAround(someone.me) && (
            <button type="button" class="quiet" onClick={() => setSharing(true)}>
              <Icon name="share" /> <span class="wide-only">Share</span>
            </button>
          )}
        </div>
      </header>
      <main class="stage">
        <Player topic={topic} controls />
      </main>
      {isSharing && <InviteDialog what={{ topic }} onClose={() => setSharing(false)} />}
    </div>
  );
}
