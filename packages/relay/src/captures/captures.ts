import { join } from 'node:path';
import { type Clock, type Logger, millis, Scope } from '@perch/runtime';
import type { Audit } from '../audit/audit.ts';
import { dataError } from '../errors.ts';
import type { LastingAuthority } from '../people/caller.ts';
import type { Database } from '../storage/database.ts';
import { Library } from './library.ts';
import { CaptureLines } from './receive/capture-lines.ts';
import { disk, type Files } from './store/files.ts';
import { SegmentStore } from './store/segment-store.ts';

export interface CapturesOptions {
  /** The relay's directory; films have one of their own in it. */
  readonly data: string;
  readonly database: Database;
  /** Calls `end` when a right has ended: the gate's. */
  readonly whileHolds: (authority: LastingAuthority, end: () => void) => Disposable;
  readonly audit: Audit;
  /** Default: the real disk. */
  readonly files?: Files;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Parts that nobody goes on with are looked for this often. */
const SWEEP_PERIOD = millis(3_600_000);

/** Films: how they come in, where they are kept. */
export class Captures implements AsyncDisposable {
  readonly library: Library;
  readonly store: SegmentStore;
  readonly lines: CaptureLines;
  readonly #scope = new Scope();

  /** @throws {RelayError} where the directory cannot be made. */
  static async open(options: CapturesOptions): Promise<Captures> {
    const { data, files = disk } = options;
    const directory = join(data, 'captures');
    const store = await SegmentStore.open({ directory, files }).catch((error: unknown) => {
      throw dataError(error, directory);
    });
    return new Captures(options, store);
  }

  private constructor(options: CapturesOptions, store: SegmentStore) {
    const { database, whileHolds, audit, clock, logger } = options;
    this.store = store;
    this.library = new Library({ database, clock });
    const { library } = this;
    const news = library.news.on('begun', ({ household, device, cause, timestamp }) => {
      const who = { kind: 'device', id: device } as const;
      const detail = `${cause}, ${new Date(timestamp * 1_000).toISOString()}`;
      audit.done({ who, household, device, what: 'capture-begin', from: device, detail });
    });
    this.#scope.onClose(() => news[Symbol.dispose]());
    this.lines = this.#scope.own(new CaptureLines({ store, library, whileHolds, clock, logger }));
    const sweep = clock.every(SWEEP_PERIOD, () => {
      store.sweep(clock.wall()).catch((error: Error) => {
        logger.warn('old parts of films could not be removed', { error: error.message });
      });
    });
    this.#scope.onClose(() => sweep.cancel());
  }

  /** Looks after what is open. Called about once a second. */
  tick(): void {
    this.lines.tick();
  }

  /** Takes nothing more; resolves when nothing is written any more. Idempotent. */
  close(): Promise<void> {
    return this.#scope.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
