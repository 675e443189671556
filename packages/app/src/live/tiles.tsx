import { useDeviceNames } from '../devices/device.ts';
import type { StreamInfo } from './stream-info.ts';
import { Tile } from './tile.tsx';

/** All live topics. */
export function Tiles({ streams, asksNames }: { streams: readonly StreamInfo[]; asksNames: boolean }) {
  const names = useDeviceNames(asksNames);
  return (
    <ul class="tiles">
      {streams.map((stream) => (
        <li key={stream.topic}>
          <Tile stream={stream} names={names} />
        </li>
      ))}
    </ul>
  );
}
