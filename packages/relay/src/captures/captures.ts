import { join } from 'node:path';
import { type Clock, type Logger, millis, Scope } from '@perch/runtime';
import type { Audit } from '../audit/audit.ts';
import type { Cameras } from '../cameras/cameras.ts';
import { dataError } from '../errors.ts';
import type { LastingAuthority } from '../people/caller.ts';
import type { Database } from '../storage/database.ts';
import { Catalogue } from './catalogue.ts';
import { CloudLines } from './cloudtalker/cloud-lines.ts';
import { Films } from './films/films.ts';
import { Tools } from './films/tools.ts';
import { Library } from './library.ts';
import { LiveNews } from './live-news.ts';
import { CaptureLines } from './receive/capture-lines.ts';
import { Retention } from './retention.ts';
import { disk, type Files } from './store/files.ts';
import { SegmentStore } from './store/segment-store.ts';

export interface CapturesOptions {
  /** The relay's directory; films have one of their own in it. */
  readonly data: string;
  readonly database: Database;
  /** Calls `end` when a right has ended: the gate's. */
  readonly whileHolds: (authority: LastingAuthority, end: () => void) => Disposable;
  readonly audit: Audit;
  readonly cameras: Pick<Cameras, 'wanted' | 'heardCloud'>;
  /** Default: the real disk. */
  readonly files?: Files;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** So often what is too old is looked for: films, parts that nobody goes on with, what was made to be played. */
const SWEEP_PERIOD = millis(600_000);
/** A film of a cloudtalker of which nothing came for so long is over: who cannot say so, has lost its connection. */
const CLOUD_SILENCE = millis(120_000);
const CLOUD_PERIOD = millis(30_000);
/** The files of films that were removed before the last end of the relay are looked for this far back. */
const UNFINISHED_MS = 2 * 86_400_000;

/** Films: how they come in, where they are kept, how they are shown and when they go. */
export class Captures implements AsyncDisposable {
  readonly library: Library;
  readonly catalogue: Catalogue;
  readonly retention: Retention;
  /** For who looks on. */
  readonly news: LiveNews;
  readonly store: SegmentStore;
  readonly films: Films;
  readonly lines: CaptureLines;
  readonly cloudLines: CloudLines;
  readonly #options: CapturesOptions;
  readonly #scope = new Scope();

  /** @throws {RelayError} where the directory cannot be made. */
  static async open(options: CapturesOptions): Promise<Captures> {
    const { data, files = disk, clock } = options;
    const directory = join(data, 'captures');
    const store = await SegmentStore.open({ directory, files }).catch((error: unknown) => {
      throw dataError(error, directory);
    });
    const captures = new Captures(options, store, directory);
    await store.remove(await captures.library.removedSince(Math.floor(clock.wall()) - UNFINISHED_MS));
    return captures;
  }

  private constructor(options: CapturesOptions, store: SegmentStore, directory: string) {
    const { database, whileHolds, audit, clock, logger } = options;
    this.#options = options;
    this.store = store;
    this.library = new Library({ database, clock });
    this.catalogue = new Catalogue({ database });
    this.retention = new Retention({ database, clock });
    const { library } = this;
    this.news = this.#scope.own(new LiveNews({ library, logger }));
    // The tools end first: films wait for them.
    this.#scope.onClose(() => this.films.close());
    const tools = this.#scope.own(new Tools({ clock }));
    this.films = new Films({ directory: join(directory, 'shown'), library, store, tools, clock, logger });
    const begun = library.news.on('begun', ({ household, device, cause, timestamp }) => {
      const who = { kind: 'device', id: device } as const;
      const detail = `${cause}, ${new Date(timestamp * 1_000).toISOString()}`;
      audit.done({ who, household, device, what: 'capture-begin', from: device, detail });
    });
    const changed = library.news.on('changed', ({ capture, segment }) => {
      if (segment !== undefined) void this.films.prepare(capture, segment);
    });
    this.#scope.onClose(() => {
      begun[Symbol.dispose]();
      changed[Symbol.dispose]();
    });
    const receiving = { store, library, whileHolds, clock, logger };
    this.lines = this.#scope.own(new CaptureLines(receiving));
    this.cloudLines = this.#scope.own(new CloudLines({ ...receiving, cameras: options.cameras }));
    const ending = clock.every(CLOUD_PERIOD, () => {
      library.endSilent(CLOUD_SILENCE).catch((error: Error) => {
        logger.warn('films of cloudtalkers could not be ended', { error: error.message });
      });
    });
    this.#scope.onClose(() => ending.cancel());
    const sweep = clock.every(SWEEP_PERIOD, () => void this.sweep());
    this.#scope.onClose(() => sweep.cancel());
  }

  /**
   * Deletes a film with all that was made of it.
   *
   * @param isGiven somebody asked for it: one that is marked to be kept goes too.
   * @returns whether it was there.
   */
  async remove(id: string, { isGiven }: { isGiven: boolean }): Promise<boolean> {
    const files = await this.library.remove(id, { isGiven });
    if (!files) return false;
    await this.store.remove(files);
    await this.films.forget(id);
    return true;
  }

  /** Removes what its household does not want to keep longer, and what is left over. Never rejects. */
  async sweep(): Promise<void> {
    const { audit, clock, logger } = this.#options;
    try {
      for (let isMore = true; isMore; ) {
        isMore = false;
        for (const id of await this.retention.overdue()) {
          const film = await this.library.find(id);
          if (!film || !(await this.remove(id, { isGiven: false }))) continue;
          isMore = true;
          const { household, device, timestamp } = film;
          const detail = `of ${new Date(timestamp * 1_000).toISOString()}, by the household's limits`;
          const who = { kind: 'host' } as const;
          audit.done({ who, household, device, what: 'capture-remove', from: 'here', detail });
        }
      }
      await this.retention.prune();
      await this.store.sweep(clock.wall());
      await this.films.sweep();
    } catch (error) {
      logger.warn('old films could not be removed', { error: (error as Error).message });
    }
  }

  /** Looks after what is open. Called about once a second. */
  tick(): void {
    this.lines.tick();
    this.cloudLines.tick();
  }

  /** Takes nothing more; resolves when nothing is written any more. Idempotent. */
  close(): Promise<void> {
    return this.#scope.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
