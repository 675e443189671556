import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import { Arriving, readHash } from './arriving.ts';
import { disk, type Files } from './files.ts';
import type { SegmentPlace, StoredFile } from './place.ts';

/** A part that nobody went on with for so long is thrown away; the device sends it from the beginning then. */
const PART_AGE_MS = 7 * 86_400_000;
/** So much of the disk stays free, for the database and what else lives there. */
export const FREE_BYTES = 256 * 1024 * 1024;
/** So many directories are remembered as synced. */
const REMEMBERED = 1_000;

/**
 * The files of films: `films/<device>/<capture>/<segment>-<hash>.<extension>`, whole and synced, and `arriving/…` what is
 * not whole yet. A file's name tells its bytes, so that one that was put in place before a crash, and has no row yet, is
 * found again.
 */
export class SegmentStore {
  readonly #directory: string;
  readonly #files: Files;
  /** Directories whose names are on the disk, as far as it is remembered. */
  readonly #lasting = new Set<string>();

  private constructor(directory: string, files: Files) {
    this.#directory = directory;
    this.#files = files;
  }

  /** @throws the system's error where the directory cannot be made. */
  static async open({
    directory,
    files = disk,
  }: {
    directory: string;
    files?: Files;
  }): Promise<SegmentStore> {
    const store = new SegmentStore(directory, files);
    for (const room of ['films', 'arriving']) await store.#make(join(directory, room));
    return store;
  }

  /** Where a segment's file is, or would be. */
  pathOf({ device, capture, segment, extension, sha256 }: StoredFile): string {
    return join(this.#directory, 'films', device, capture, `${segment}-${sha256.slice(0, 32)}.${extension}`);
  }

  /**
   * Goes on with what has come of a segment, or begins.
   *
   * @param offer anything that names the very bytes that are to come: those of another offer are never mixed in.
   */
  async begin(place: SegmentPlace, offer: string): Promise<Arriving> {
    const path = this.#partOf(place, offer);
    return Arriving.open({ path, files: this.#files, place: (file) => this.#place(path, file) });
  }

  /**
   * Throws away what has come of an offer, if anything: a power cut may leave it beside the file that was made of it. When
   * this resolves the next one does not bring it back.
   */
  async forget(place: SegmentPlace, offer: string): Promise<void> {
    const path = this.#partOf(place, offer);
    if (!(await this.#files.facts(path))) return;
    await this.#files.remove(path);
    await this.#files.syncDirectory(dirname(path));
  }

  /** Whether these very bytes are in place, from before a crash. They are on the disk when this says yes. */
  async has(file: StoredFile, size: number): Promise<boolean> {
    const path = this.pathOf(file);
    if ((await this.#files.facts(path))?.size !== size) return false;
    const open = await this.#files.open(path);
    try {
      if ((await readHash(open)).digest('hex') !== file.sha256) return false;
      await open.sync();
    } finally {
      await open.close();
    }
    await this.#files.syncDirectory(dirname(path));
    return true;
  }

  /** What arrives meanwhile is not touched. */
  async remove(files: readonly StoredFile[]): Promise<void> {
    this.#lasting.clear();
    for (const file of files) await this.#files.remove(this.pathOf(file));
  }

  /** Throws away what nobody has gone on with for a week. @param now milliseconds since 1970. */
  async sweep(now: number): Promise<void> {
    const room = join(this.#directory, 'arriving');
    for (const name of await this.#files.list(room)) {
      const path = join(room, name);
      const facts = await this.#files.facts(path);
      if (facts && now - facts.modified > PART_AGE_MS) await this.#files.remove(path);
    }
  }

  /** Bytes that films may still take of the disk. */
  async free(): Promise<number> {
    return Math.max(0, (await this.#files.free(this.#directory)) - FREE_BYTES);
  }

  #partOf({ device, capture, segment }: SegmentPlace, offer: string): string {
    const name = createHash('sha256')
      .update(JSON.stringify([device, capture, segment, offer]))
      .digest('hex');
    return join(this.#directory, 'arriving', `${name}.part`);
  }

  /** Gives whole and synced bytes their name. When this resolves a power cut does not take it away. */
  async #place(from: string, file: StoredFile): Promise<void> {
    const path = this.pathOf(file);
    await this.#make(dirname(path));
    await this.#files.rename(from, path);
    await this.#files.syncDirectory(dirname(path));
  }

  /**
   * A directory is on the disk once the one it lies in is. That it is there says nothing: whoever made it may have ended
   * before it was synced.
   */
  async #make(path: string): Promise<void> {
    if (this.#lasting.has(path)) return;
    const first = (await this.#files.makeDirectory(path)) ?? path;
    const shortest = Math.min(first.length, this.#directory.length);
    if (this.#lasting.size >= REMEMBERED) this.#lasting.clear();
    for (let made = path; made.length >= shortest && !this.#lasting.has(made); ) {
      const outer = dirname(made);
      await this.#files.syncDirectory(outer);
      this.#lasting.add(made);
      made = outer;
    }
  }
}
