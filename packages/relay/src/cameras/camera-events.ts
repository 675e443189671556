import type { PassThrough } from 'node:stream';
import type { Cameras } from './cameras.ts';
import { shownCamera } from './shown-camera.ts';

/** A page that reads slower than this is told less often; it misses nothing but what is old. */
const MOST_BUFFERED_BYTES = 64 * 1024;

/**
 * Adds `camera` events (what `GET …/camera` says) to a stream of server-sent events: one now, then one whenever it is
 * another. Ends with the stream.
 */
export function addCameraEvents(events: PassThrough, cameras: Cameras, device: string): void {
  let last = '';
  let isReading = false;
  let isDue = true;
  const tell = async () => {
    if (isReading) return;
    isReading = true;
    try {
      while (isDue && !events.writableEnded && events.writableLength <= MOST_BUFFERED_BYTES) {
        isDue = false;
        const text = JSON.stringify(shownCamera(await cameras.show(device)));
        if (text === last || events.writableEnded || events.destroyed) continue;
        last = text;
        events.write(`event: camera\ndata: ${text}\n\n`);
      }
    } catch {
      // the database is away: the next news brings it
      isDue = true;
    } finally {
      isReading = false;
    }
  };
  const watching = cameras.watch(device, () => {
    isDue = true;
    void tell();
  });
  events.on('drain', () => void tell());
  events.on('close', () => watching[Symbol.dispose]());
  void tell();
}
