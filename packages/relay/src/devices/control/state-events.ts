import { PassThrough } from 'node:stream';
import { type Clock, millis } from '@perch/runtime';
import type { DeviceLink } from './device-link.ts';
import { type Insight, shownSight } from './shown-sight.ts';

/** A page that reads slower than this is told less often; it misses nothing but what is old. */
const MOST_BUFFERED_BYTES = 64 * 1024;
/** Proxies cut off what says nothing; browsers pass over a comment. */
const COMMENT_PERIOD = millis(15_000);

/**
 * A device's state as server-sent events (HTML standard, 9.2): one `state` event now and one at each change, whole. Ends
 * when the reader leaves; the reader's right is for the caller to watch, {@link endEvents}.
 */
export function stateEvents(link: DeviceLink, insight: Insight, clock: Clock): PassThrough {
  const stream = new PassThrough();
  let isBehind = false;
  const tell = () => {
    isBehind = stream.writableLength > MOST_BUFFERED_BYTES;
    if (!isBehind) stream.write(`event: state\ndata: ${shownSight(link.sight, insight)}\n\n`);
  };
  const watching = link.watch(tell);
  const comment = clock.every(COMMENT_PERIOD, () => {
    if (stream.writableLength === 0) stream.write(':\n\n');
  });
  stream.on('drain', () => {
    if (isBehind) tell();
  });
  stream.on('close', () => {
    watching[Symbol.dispose]();
    comment.cancel();
  });
  tell();
  return stream;
}

/** Ends events for somebody who may not have them any more: in good order if he reads, else at once. */
export function endEvents(events: PassThrough): void {
  if (events.readableLength === 0) events.end();
  else events.destroy();
}
