import { DestinationList } from './destination-list.tsx';
import { type DeviceState, type FeedState, relayOf, topicsOf } from './device-state.ts';
import { MediumCard } from './medium-card.tsx';
import { MotionSwitch } from './motion-switch.tsx';
import { NotSent } from './not-sent.tsx';
import { StreamSection } from './stream-section.tsx';

/** What a device tells: its streams, its feeds, and where they go. */
export function DeviceLive({
  id,
  state,
  isOnline,
  mayView,
  showsWays,
  mayChange,
}: {
  id: string;
  state: DeviceState;
  isOnline: boolean;
  mayView: boolean;
  /** Whether to say where the device sends: that is for the household. */
  showsWays: boolean;
  mayChange: boolean;
}) {
  const topics = topicsOf(state, id);
  const relay = relayOf(state, id, location.origin);
  const { feeds, destinations, sources } = state;
  const broken = sources.filter(({ lastError }) => lastError !== undefined);
  return (
    <>
      {broken.map(({ source, lastError }) => (
        <p key={source} class="trouble" role="status">
          {source} does not run: {lastError}
        </p>
      ))}
      <StreamSection
        id={id}
        relay={relay}
        state={state}
        topics={topics}
        isOnline={isOnline}
        mayView={mayView}
        mayChange={mayChange}
      />
      <section aria-labelledby="feeds">
        <h2 id="feeds">Feeds</h2>
        {feeds.length > 0 ? (
          <div class="media">
            {feeds.map((feed) => (
              <MediumCard
                key={feed.feed}
                name={feed.feed}
                topic={topics.get(feed.feed)}
                showsPicture={isOnline && mayView}
                bitRate={feed.bitRate}
                tracks={feed.tracks}
                oddities={isOnline ? feed.oddities : []}
              >
                {!topics.has(feed.feed) && !isIn(feed, state) && (
                  <NotSent device={id} relay={relay} name={feed.feed} mayChange={mayChange} />
                )}
                {feed.motion && mayHavePicture(feed) && (
                  <MotionSwitch device={id} name={feed.feed} motion={feed.motion} isAllowed={mayChange} />
                )}
              </MediumCard>
            ))}
          </div>
        ) : (
          <NoFeeds />
        )}
      </section>
      {showsWays && (
        <section aria-labelledby="destinations">
          <h2 id="destinations">Where it sends</h2>
          {destinations.length > 0 ? (
            <DestinationList device={id} destinations={destinations} isAllowed={mayChange} />
          ) : (
            <p class="hint">Nowhere yet: all that it takes in stays on the machine.</p>
          )}
        </section>
      )}
    </>
  );
}

const isIn = ({ feed }: FeedState, { streams }: DeviceState): boolean =>
  streams.some(({ feeds }) => feeds.includes(feed));

/** What is in a feed that nothing reads is not known. */
const mayHavePicture = ({ tracks }: FeedState): boolean =>
  tracks.length === 0 || tracks.some((track) => track.class === 'video');

function NoFeeds() {
  return (
    <div class="empty small">
      <p>Nothing comes in. On the machine, send it a picture:</p>
      <pre>
        ffmpeg -f v4l2 -i /dev/video0 -c:v libx264 -tune zerolatency -f mpegts http://localhost:8888/ts/camera
      </pre>
    </div>
  );
}
