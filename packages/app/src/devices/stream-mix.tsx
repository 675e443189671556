import { useRef, useState } from 'preact/hooks';
import { Switch } from '../frame/form.tsx';
import { say } from '../frame/toast.tsx';
import { showBitrate } from '../words/rate.ts';
import type { FeedState, StreamState } from './device-state.ts';
import { putStream } from './rules.ts';
import { trackWords } from './track-words.ts';

/**
 * Which feeds go into a stream: a switch for each feed of the device. Switching one off mutes its tracks for everybody
 * at once, by a change of the device's rule.
 */
export function StreamMix({
  device,
  stream,
  feeds,
  isAllowed,
}: {
  device: string;
  stream: StreamState;
  feeds: readonly FeedState[];
  isAllowed: boolean;
}) {
  // What was asked for and is not told by the device yet.
  const [wanted, setWanted] = useState<readonly string[]>();
  const shown = wanted && !isSame(wanted, stream.feeds) ? wanted : stream.feeds;
  const wordsOf = useTrackMemory(stream, feeds);
  const names = [...new Set([...feeds.map(({ feed }) => feed), ...stream.feeds])].sort();
  const change = async (feed: string, on: boolean) => {
    const next = on ? [...shown, feed] : shown.filter((other) => other !== feed);
    setWanted(next);
    const answer = await putStream(device, stream.stream, next);
    if (answer.ok)
      say(on ? `${feed} goes into ${stream.stream} again.` : `${feed} is muted in ${stream.stream}.`);
    else {
      setWanted(undefined);
      say(answer.problem.words);
    }
  };
  if (stream.hasAlternatives)
    return <p class="hint">The device chooses its feeds by how much the line can carry.</p>;
  return (
    <fieldset class="mix">
      <legend>What goes into it</legend>
      {names.map((name) => {
        const words = wordsOf(name);
        return (
          <Switch
            key={name}
            label={
              <>
                {name}
                <small>{words}</small>
              </>
            }
            on={shown.includes(name)}
            disabled={!isAllowed}
            onChange={(on) => void change(name, on)}
          />
        );
      })}
    </fieldset>
  );
}

/**
 * What each feed holds. A feed that no stream reads tells nothing of its tracks: then what it told before stands, so that
 * a muted one says what would come back.
 */
function useTrackMemory(stream: StreamState, feeds: readonly FeedState[]): (name: string) => string {
  const memory = useRef(new Map<string, string>());
  for (const { feed, tracks } of feeds) {
    const known = tracks.length > 0 ? tracks : stream.tracks.filter((track) => track.feed === feed);
    if (known.length > 0) memory.current.set(feed, known.map(trackWords).join(' · '));
  }
  return (name) => {
    const feed = feeds.find((one) => one.feed === name);
    if (!feed || feed.publishers === 0) return 'Sends nothing now';
    return memory.current.get(name) ?? showBitrate(feed.bitRate);
  };
}

const isSame = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((name) => b.includes(name));
