import { closeCodes } from '@perch/protocol';
import type { CameraWay } from '../../cameras/camera-way.ts';
import type { Cameras } from '../../cameras/cameras.ts';
import type { DeviceArrival } from '../../devices/device-door.ts';
import type { CaptureLinesOptions } from '../receive/capture-lines.ts';
import { CloudLine } from './cloud-line.ts';

/** What the connections of cloudtalkers need. */
export interface CloudLinesOptions extends CaptureLinesOptions {
  readonly cameras: Pick<Cameras, 'wanted' | 'heardCloud'>;
}

/** The connections of cloudtalkers. */
export class CloudLines {
  readonly #options: CloudLinesOptions;
  readonly #lines = new Set<CloudLine>();
  /** By device: the newest that can be told something. */
  readonly #ready = new Map<string, CloudLine>();
  /** What came over connections that have ended, and is not on the disk yet. */
  readonly #busy = new Set<Promise<void>>();

  constructor(options: CloudLinesOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#lines.size;
  }

  accept({ webSocket, socket, device, household, by }: DeviceArrival): void {
    const { store, library, cameras, clock, whileHolds } = this.#options;
    const line: CloudLine = new CloudLine({
      ...{ webSocket, socket, device, household, store, library, clock },
      logger: this.#options.logger.child({ device }),
      wanted: () => cameras.wanted(device),
      onArmed: (isArmed, isHere) => {
        if (isHere) this.#ready.set(device, line);
        cameras.heardCloud(device, household, isArmed, isHere);
      },
      onClosed: () => {
        this.#lines.delete(line);
        if (this.#ready.get(device) === line) this.#ready.delete(device);
        right[Symbol.dispose]();
        const done = line.stopped();
        this.#busy.add(done);
        void done.finally(() => this.#busy.delete(done));
      },
    });
    this.#lines.add(line);
    const right = whileHolds(by, () => void line.end(closeCodes.unauthorised, RIGHT_ENDED));
  }

  /** The way to the camera of a device that is connected here. */
  wayTo(device: string): CameraWay | undefined {
    const camera = this.#ready.get(device)?.camera;
    return camera?.isReady ? camera : undefined;
  }

  /** Looks after all of them: who is gone. Called about once a second. */
  tick(): void {
    for (const line of this.#lines) line.tick();
  }

  /** Ends all. Resolves when what came is on the disk. Idempotent. */
  async close(): Promise<void> {
    const ends = [...this.#lines].map((line) => line.end(closeCodes.goingAway, 'the relay stops'));
    await Promise.all([...ends, ...this.#busy]);
    for (const line of this.#lines) line.terminate();
  }
}

const RIGHT_ENDED = 'the right to be here has ended: the device was removed, or its certificate is too old';
