import { mayLookAround } from '../account/me.ts';
import { useMe } from '../account/use-me.ts';
import { Asking } from '../frame/asking.tsx';
import { Page } from '../frame/page.tsx';
import { hrefs } from '../route.ts';
import { count } from '../words/time.ts';
import { useStreams } from './stream-info.ts';
import { Tiles } from './tiles.tsx';
import { WayBackNote } from './way-back-note.tsx';

/** What is live. */
export function LivePage() {
  const { me } = useMe();
  const asked = useStreams();
  const streams = asked.value;
  return (
    <Page
      title="Live"
      width="wide"
      actions={streams && streams.length > 0 && count(streams.length, 'stream')}
    >
      <WayBackNote me={me} />
      <Asking asked={asked} />
      {streams && streams.length > 0 && <Tiles streams={streams} asksNames />}
      {streams?.length === 0 &&
        (mayLookAround(me) ? <NothingYet isOwner={me.role === 'owner'} /> : <NothingNow />)}
    </Page>
  );
}

function NothingYet({ isOwner }: { isOwner: boolean }) {
  return (
    <div class="empty">
      <h2>Nothing is live</h2>
      <p>As soon as a machine sends something, it is here.</p>
      {isOwner && (
        <a class="button primary" href={hrefs.devices}>
          Add a device
        </a>
      )}
      <details>
        <summary>Send a test picture from this machine</summary>
        <p>
          Where <code>perch up</code> runs, type:
        </p>
        <pre>
          ffmpeg -re -f lavfi -i testsrc2 -c:v libx264 -tune zerolatency -f mpegts
          http://localhost:8888/ts/camera
        </pre>
      </details>
    </div>
  );
}

function NothingNow() {
  return (
    <div class="empty">
      <h2>Nothing is live</h2>
      <p>What is shared with you shows up here by itself as soon as it sends.</p>
    </div>
  );
}
