import { closeCodes } from '@perch/protocol';
import type { Clock, Logger } from '@perch/runtime';
import type { DeviceArrival } from '../../devices/device-door.ts';
import type { LastingAuthority } from '../../people/caller.ts';
import type { Library } from '../library.ts';
import type { SegmentStore } from '../store/segment-store.ts';
import { CaptureLine } from './capture-line.ts';

export interface CaptureLinesOptions {
  readonly store: SegmentStore;
  readonly library: Library;
  /** Calls `end` when a right has ended: the gate's. */
  readonly whileHolds: (authority: LastingAuthority, end: () => void) => Disposable;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The connections on which devices bring films: one each, the newer wins. */
export class CaptureLines {
  readonly #options: CaptureLinesOptions;
  readonly #lines = new Map<string, CaptureLine>();
  readonly #all = new Set<CaptureLine>();
  /** Of a device: resolves when its earlier connections have let go of their files. */
  readonly #letGo = new Map<string, Promise<void>>();

  constructor(options: CaptureLinesOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#all.size;
  }

  accept({ webSocket, socket, device, household, by }: DeviceArrival): void {
    const { store, library, clock, whileHolds } = this.#options;
    const logger = this.#options.logger.child({ device });
    const line: CaptureLine = new CaptureLine({
      webSocket,
      socket,
      device,
      household,
      store,
      library,
      clock,
      logger,
      onClosed: () => {
        this.#all.delete(line);
        right[Symbol.dispose]();
        if (this.#lines.get(device) !== line) return;
        this.#lines.delete(device);
        this.#wait(device, line.stopped());
      },
    });
    const older = this.#lines.get(device);
    this.#lines.set(device, line);
    this.#all.add(line);
    const right = whileHolds(by, () => void line.end(closeCodes.unauthorised, RIGHT_ENDED));
    if (older) this.#wait(device, older.end(closeCodes.replaced, 'the device has connected anew'));
    // Two connections never write to one file.
    void (this.#letGo.get(device) ?? Promise.resolve()).then(() => line.greet());
  }

  /** Looks after all of them: who is silent. Called about once a second. */
  tick(): void {
    for (const line of this.#all) line.tick();
  }

  /** Ends all. Resolves when nothing is written any more. Idempotent. */
  async close(): Promise<void> {
    const ends = [...this.#all].map((line) => line.end(closeCodes.tryAgainLater, 'the relay stops'));
    await Promise.all([...ends, ...this.#letGo.values()]);
    for (const line of this.#all) line.terminate();
  }

  #wait(device: string, done: Promise<void>): void {
    const all = Promise.all([this.#letGo.get(device), done]).then(() => undefined);
    this.#letGo.set(device, all);
    void all.then(() => {
      if (this.#letGo.get(device) === all) this.#letGo.delete(device);
    });
  }
}

const RIGHT_ENDED = 'the right to be here has ended: the device was removed, or its certificate is too old';
