import type { Files } from './files.ts';
import type { ListedAs, SpoolRecord } from './record.ts';
import { readContents } from './take-file.ts';

/**
 * Which files of a list were taken since it was last noted how far the list was read, so that the lines which are read
 * again after a crash take nothing again.
 */
export class TakenSince {
  readonly #files: Files;
  #mark: number;
  /** By row, whether it has left or not. The files may be gone: whoever wrote the list may delete what was taken. */
  readonly #known = new Map<number, ListedAs>();
  readonly #told = new Set<number>();

  /** @param mark the last row before. */
  constructor(mark: number, files: Files) {
    this.#mark = mark;
    this.#files = files;
  }

  /** Takes a record that is on the disk. */
  see(record: SpoolRecord): void {
    if ((record.k !== 'segment' && record.k !== 'taken') || record.n <= this.#mark) return;
    if (record.k === 'taken') this.#known.set(record.n, record.known);
    else if (record.listed !== undefined) this.#known.set(record.n, { listed: record.listed });
    else if (record.found) this.#known.set(record.n, { sha256: record.segment.sha256 });
  }

  /** Whether the file that a list names is one of them. It is told once: the next of this name is another. */
  async includes(path: string): Promise<boolean> {
    const hash = [...this.#known.values()].some((known) => 'sha256' in known) && (await this.#hashOf(path));
    for (const [n, known] of this.#known) {
      const isIt = 'listed' in known ? known.listed === path : known.sha256 === hash;
      if (!isIt || this.#told.has(n)) continue;
      this.#told.add(n);
      return true;
    }
    return false;
  }

  /** What a checkpoint must keep. */
  live(): SpoolRecord[] {
    return [...this.#known].map(([n, known]) => ({ k: 'taken', n, known }));
  }

  /** How far the list was read is noted, with this mark. */
  noted(mark: number): void {
    this.#mark = mark;
    for (const n of this.#known.keys()) if (n <= mark) this.#known.delete(n);
    for (const n of this.#told) if (n <= mark) this.#told.delete(n);
  }

  async #hashOf(path: string): Promise<string | undefined> {
    try {
      const file = await this.#files.read(path);
      try {
        return (await readContents(file)).sha256;
      } finally {
        await file.close();
      }
    } catch {
      // It is gone, or cannot be read: whoever takes it says so.
      return undefined;
    }
  }
}
