import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { CaptureName, Trigger } from '@perch/protocol';
import type { Logger } from '@perch/runtime';
import type { Spool } from '../spool/index.ts';
import { motionLimits } from './limits.ts';
import { makeSegment, type Stretch } from './segment.ts';

/** Where films are written. */
export interface FilmOptions {
  /** Takes segments in; as long as it is told that the film began, a crash ends it at the next start. */
  readonly spool: Pick<Spool, 'name' | 'begin' | 'take' | 'missed' | 'note'>;
  /** Segments are written here first, on the spool's disk: it then takes them by a second name. */
  readonly directory: string;
  readonly trigger: Trigger;
  /** When it was triggered: whole seconds since 1970. */
  readonly timestamp: number;
  readonly logger: Logger;
}

/**
 * One capture on its way into the spool: segments are written one after the other while it films. A segment that cannot
 * be written or taken is told as lost, and stops nothing.
 */
export class Film {
  readonly name: CaptureName;
  readonly #options: FilmOptions;
  #segments = 0;
  #waiting = 0;
  #last: Promise<void>;

  /** Begins it. */
  constructor(options: FilmOptions) {
    this.#options = options;
    this.name = options.spool.name(options.trigger, options.timestamp);
    this.#last = this.#inTurn(() => options.spool.begin(this.name));
  }

  /** How many segments it has. */
  get segments(): number {
    return this.#segments;
  }

  /** What becomes its next file. Returns at once. */
  segment(stretch: Stretch): void {
    const number = this.#segments;
    const bytes = stretch.groups.reduce((sum, group) => sum + group.bytes, 0);
    this.#segments += 1;
    if (this.#waiting + bytes > motionLimits.waitingBytes) {
      const reason = 'the disk does not keep up with what is filmed';
      this.#last = this.#inTurn(() => this.#options.spool.missed(this.name, number, reason));
      return;
    }
    this.#waiting += bytes;
    this.#last = this.#inTurn(async () => {
      await this.#write(number, stretch);
      this.#waiting -= bytes;
    });
  }

  /** It is over. Resolves when all of it is in the spool. */
  end(): Promise<void> {
    const { spool } = this.#options;
    this.#last = this.#inTurn(() =>
      spool.note({ kind: 'end', capture: this.name, segments: this.#segments }),
    );
    return this.#last;
  }

  async #write(segment: number, stretch: Stretch): Promise<void> {
    const { spool, directory } = this.#options;
    const path = join(directory, `${this.name.id}.${segment}.ts`);
    try {
      const file = await open(path, 'wx', 0o600);
      try {
        await file.writev(await makeSegment(stretch));
      } finally {
        await file.close();
      }
      await spool.take({ capture: this.name, segment, extension: 'ts', path });
    } catch (error) {
      await spool.missed(this.name, segment, (error as Error).message);
    } finally {
      await rm(path, { force: true });
    }
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const { logger } = this.#options;
    const before = this.#last ?? Promise.resolve();
    return before
      .then(work)
      .catch((error: Error) =>
        logger.error('motion: something of a film could not be written down', { error: error.message }),
      );
  }
}
