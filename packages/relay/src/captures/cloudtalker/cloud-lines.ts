import { closeCodes } from '@perch/protocol';
import type { Arrival, CaptureLinesOptions } from '../receive/capture-lines.ts';
import { CloudLine } from './cloud-line.ts';

/** The connections of cloudtalkers. */
export class CloudLines {
  readonly #options: CaptureLinesOptions;
  readonly #lines = new Set<CloudLine>();
  /** What came over connections that have ended, and is not on the disk yet. */
  readonly #busy = new Set<Promise<void>>();

  constructor(options: CaptureLinesOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#lines.size;
  }

  accept({ webSocket, socket, device, household, by }: Arrival): void {
    const { store, library, clock, whileHolds } = this.#options;
    const line: CloudLine = new CloudLine({
      ...{ webSocket, socket, device, household, store, library, clock },
      logger: this.#options.logger.child({ device }),
      onClosed: () => {
        this.#lines.delete(line);
        right[Symbol.dispose]();
        const done = line.stopped();
        this.#busy.add(done);
        void done.finally(() => this.#busy.delete(done));
      },
    });
    this.#lines.add(line);
    const right = whileHolds(by, () => void line.end(closeCodes.unauthorised, RIGHT_ENDED));
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
