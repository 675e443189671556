import { dirname, join } from 'node:path';
import type { Logger } from '@perch/runtime';
import type { Files } from './files.ts';
import { spoolFailure } from './journal.ts';
import { Shared } from './turns.ts';

/** The directory in which the spool's files lie, by their names in it. */
export class Folder {
  readonly directory: string;
  readonly files: Files;
  readonly #logger: Logger;
  readonly #sync: Shared;

  constructor(options: { readonly directory: string; readonly files: Files; readonly logger: Logger }) {
    const { directory, files, logger } = options;
    this.directory = directory;
    this.files = files;
    this.#logger = logger;
    this.#sync = new Shared(() => files.syncDirectory(directory));
  }

  /**
   * Makes it, with what it lies in. Resolves when its name would survive a power cut, and those of the directories it lies
   * in, whoever made them and whenever: an earlier start may have ended right after it made them.
   */
  async make(): Promise<void> {
    await this.files.makeDirectory(this.directory);
    let inner = dirname(this.directory);
    await this.files.syncDirectory(inner);
    while (inner !== dirname(inner)) {
      inner = dirname(inner);
      await this.files.syncDirectory(inner).catch(() => {
        // Not ours to read, or never written to: then it was made long before.
      });
    }
  }

  pathOf(file: string): string {
    return join(this.directory, file);
  }

  names(): AsyncIterable<string> {
    return this.files.list(this.directory);
  }

  /** Resolves when all names that are there now are on the disk. @throws {SpoolError} */
  async syncNames(): Promise<void> {
    try {
      await this.#sync.run();
    } catch (cause) {
      throw spoolFailure(`sync ${this.directory}`, cause);
    }
  }

  /** What is not there is not removed; what cannot be removed now is said, and found at the next start. Never rejects. */
  async remove(file: string): Promise<void> {
    await this.files.remove(this.pathOf(file)).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return;
      this.#logger.warn('a file could not be removed from the spool', { file, error: error.message });
    });
  }
}
