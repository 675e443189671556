import { useState } from 'preact/hooks';
import { Confirm } from '../frame/confirm.tsx';
import { Icon } from '../frame/icon.tsx';
import { say } from '../frame/toast.tsx';
import type { DeviceState, StreamState } from './device-state.ts';
import { MediumCard } from './medium-card.tsx';
import { MotionSwitch } from './motion-switch.tsx';
import { NotSent } from './not-sent.tsx';
import { deleteStream } from './rules.ts';
import { StreamDialog } from './stream-dialog.tsx';
import { StreamMix } from './stream-mix.tsx';

/** The streams of a device: what goes into each, and the way to a new one. */
export function StreamSection({
  id,
  relay,
  state,
  topics,
  isOnline,
  mayView,
  mayChange,
}: {
  id: string;
  relay: string;
  state: DeviceState;
  topics: ReadonlyMap<string, string>;
  isOnline: boolean;
  mayView: boolean;
  mayChange: boolean;
}) {
  const { streams, feeds } = state;
  const [isMaking, setMaking] = useState(false);
  const [ending, setEnding] = useState<StreamState>();
  if (streams.length === 0 && (!mayChange || feeds.length === 0)) return null;
  return (
    <section aria-labelledby="streams">
      <div class="section-head">
        <h2 id="streams">Streams</h2>
        {mayChange && feeds.length > 0 && (
          <button type="button" onClick={() => setMaking(true)}>
            <Icon name="plus" /> New stream
          </button>
        )}
      </div>
      {streams.length === 0 && (
        <p class="hint">None. A stream puts feeds together, such as a picture and its sound.</p>
      )}
      {streams.length > 0 && (
        <div class="media">
          {streams.map((stream) => (
            <MediumCard
              key={stream.stream}
              name={stream.stream}
              topic={topics.get(stream.stream)}
              showsPicture={isOnline && mayView}
              bitRate={stream.bitRate}
              tracks={stream.tracks}
              oddities={isOnline ? stream.oddities : []}
            >
              <StreamMix device={id} stream={stream} feeds={feeds} isAllowed={mayChange} />
              {stream.motion && (
                <MotionSwitch device={id} name={stream.stream} motion={stream.motion} isAllowed={mayChange} />
              )}
              {!topics.has(stream.stream) && (
                <NotSent device={id} relay={relay} name={stream.stream} mayChange={mayChange} />
              )}
              {mayChange && (
                <button
                  type="button"
                  class="quiet small danger end"
                  aria-label={`Delete ${stream.stream}`}
                  onClick={() => setEnding(stream)}
                >
                  Delete
                </button>
              )}
            </MediumCard>
          ))}
        </div>
      )}
      {isMaking && <StreamDialog device={id} feeds={feeds} onClose={() => setMaking(false)} />}
      {ending && (
        <Confirm
          title={`Delete ${ending.stream}?`}
          words="Nobody can see or hear it any more. Its feeds stay."
          button="Delete it"
          deed={() => deleteStream(id, ending.stream)}
          onDone={() => {
            say(`${ending.stream} is deleted.`);
            setEnding(undefined);
          }}
          onClose={() => setEnding(undefined)}
        />
      )}
    </section>
  );
}
