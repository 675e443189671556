/** What is asked of a `<video>`. */
export type Playing = Pick<HTMLVideoElement, 'buffered' | 'currentTime' | 'duration' | 'ended' | 'paused'>;

/** So often it is looked at, in ms. */
const LOOK_MS = 1_000;
/** So much ahead is enough to play, in s. */
const AHEAD_S = 0.5;

/**
 * Gets a `<video>` going again that stands still although what it needs is there. Chromium does that now and then after
 * several jumps in a row: it waits, or jumps, for ever. Another jump to the same place wakes it.
 *
 * @returns ends it.
 */
export function unstick(video: Playing): () => void {
  let stoodAt: number | undefined;
  const look = () => {
    const { currentTime: at, paused, ended } = video;
    const isStill = !paused && !ended && canPlayOn(video);
    if (isStill && stoodAt === at) video.currentTime = at;
    stoodAt = isStill ? at : undefined;
  };
  const timer = setInterval(look, LOOK_MS);
  return () => clearInterval(timer);
}

/** Whether what comes next has been loaded. */
function canPlayOn({ buffered, currentTime, duration }: Playing): boolean {
  const wanted = Math.min(currentTime + AHEAD_S, duration);
  for (let i = 0; i < buffered.length; i++)
    if (buffered.start(i) <= currentTime && buffered.end(i) >= wanted) return true;
  return false;
}
