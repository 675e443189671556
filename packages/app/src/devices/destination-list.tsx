import { useState } from 'preact/hooks';
import { Confirm } from '../frame/confirm.tsx';
import { say } from '../frame/toast.tsx';
import { showBitrate, showDelay } from '../words/rate.ts';
import { count } from '../words/time.ts';
import { type DestinationState, destinationWords, isOfItself, topicOf } from './device-state.ts';
import { deleteDestination } from './rules.ts';

/** Where the device sends, and how that goes. */
export function DestinationList({
  device,
  destinations,
  isAllowed,
}: {
  device: string;
  destinations: readonly DestinationState[];
  isAllowed: boolean;
}) {
  const [ending, setEnding] = useState<DestinationState>();
  return (
    <>
      <ul class="rows">
        {destinations.map((destination) => (
          <li key={destination.id} class="row">
            <span class={`dot ${dotOf(destination)}`} />
            <span class="row-text">
              <strong>
                {destination.stream} → {whereTo(destination, device)}
              </strong>
              <small>{factsOf(destination).join(' · ')}</small>
              {destination.state !== 'open' && destination.lastError && (
                <small class="trouble-text">{destination.lastError}</small>
              )}
            </span>
            {isAllowed && !destination.readOnly && !isOfItself(destination) && (
              <button
                type="button"
                class="quiet small"
                aria-label={`Stop sending ${destination.stream} by ${destination.id}`}
                onClick={() => setEnding(destination)}
              >
                Stop
              </button>
            )}
          </li>
        ))}
      </ul>
      {ending && (
        <Confirm
          title={`Stop sending ${ending.stream}?`}
          words={`Nobody sees it at ${whereTo(ending, device)} any more. The device keeps making it, and it can be sent again.`}
          button="Stop sending"
          deed={() => deleteDestination(device, ending.id)}
          onDone={() => {
            say(`${ending.stream} is not sent any more.`);
            setEnding(undefined);
          }}
          onClose={() => setEnding(undefined)}
        />
      )}
    </>
  );
}

const dotOf = ({ state }: DestinationState): string =>
  state === 'open' ? '' : state === 'invalid' ? 'bad' : 'waiting';

/** `this relay`, or the name of the other end. */
function whereTo(destination: DestinationState, device: string): string {
  const { address } = destination;
  const url = URL.parse(address);
  if (!url) return address;
  const isHere = isOfItself(destination) || url.host === location.host;
  return isHere && topicOf(destination, device) !== undefined ? 'this relay' : url.host;
}

function factsOf(destination: DestinationState): string[] {
  const { state, bitRate, delayMs, droppedMessages, viewers, reconnects } = destination;
  const words = destinationWords(destination);
  if (state !== 'open') return reconnects > 0 ? [words, count(reconnects, 'reconnect')] : [words];
  return [
    words,
    // Nothing is sent while nobody watches.
    viewers === 0 ? 'waits for a viewer' : showBitrate(bitRate),
    ...(viewers ? [count(viewers, 'viewer')] : []),
    ...(viewers === 0 ? [] : [`${showDelay(delayMs)} behind`]),
    ...(droppedMessages > 0 ? [`${count(droppedMessages, 'message')} left out`] : []),
    ...(reconnects > 0 ? [count(reconnects, 'reconnect')] : []),
  ];
}
