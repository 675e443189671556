import type { CaptureName } from '@perch/protocol';
import { millis, sleep } from '@perch/runtime';
import { SpoolError } from './errors.ts';
import type { Limits } from './limits.ts';
import type { StoredSegment } from './record.ts';
import type { SpoolRoom } from './room.ts';
import { toStoredName } from './stored-name.ts';
import { readAgain, type Taken, takeFile } from './take-file.ts';
import { Turns } from './turns.ts';

/** What to take in. */
export interface Order {
  readonly capture: CaptureName;
  readonly segment: number;
  readonly extension: string;
  /** The camera program's file. */
  readonly path: string;
  /** Not if it has this hash: then it was taken already. */
  readonly unless?: string;
  /** Where a list says it is (`--motion_file_list`). */
  readonly listed?: string;
}

/** So many files are read or copied at once. */
const AT_ONCE = 4;
/** A file that grows is looked at again after this, and after so many looks taken as it is. */
const GROWING_LOOK = millis(1_000);
const GROWING_LOOKS = 30;

/** Takes camera programs' files into the spool: bytes, then the name, then the promise, each on the disk before the next. */
export class Intake {
  readonly #room: SpoolRoom;
  readonly #limits: Limits;
  readonly #turns = new Turns({ most: AT_ONCE });
  readonly #hurrying = new AbortController();
  #taken = 0;

  constructor(room: SpoolRoom, limits: Limits) {
    this.#room = room;
    this.#limits = limits;
  }

  /** Since the start. */
  get taken(): number {
    return this.#taken;
  }

  /** Files that grow are taken as they are from now on. */
  hurry(): void {
    this.#hurrying.abort();
  }

  /** Resolves when it is safe. @throws {SpoolError} */
  async take({ capture, segment, extension, path, unless, listed }: Order): Promise<StoredSegment> {
    const { book, folder, news, clock } = this.#room;
    const n = book.ledger.nextN();
    const file = toStoredName({ n, capture, segment, extension });
    const first = await this.#turns.run(() => takeFile(folder.files, path, folder.pathOf(file)));
    const { size, sha256, modified } = await this.#untilStill(first, path, file);
    if (sha256 === unless) {
      await folder.remove(file);
      throw new SpoolError('segment-twice', `${path} was taken already`);
    }
    using _room = await this.#limits.makeRoom(size, file);
    await folder.syncNames();
    const taken = clock.wall();
    const stored = { capture, segment, extension, size, sha256, modified, file, taken };
    await book.write({ k: 'segment', n, segment: stored, ...(listed !== undefined && { listed }) });
    this.#taken++;
    news.emit('taken', stored);
    news.emit('waiting', undefined);
    return stored;
  }

  /** A file that grows is watched for a while. Its link or copy is in the spool meanwhile, so it cannot be lost. */
  async #untilStill(first: Taken, path: string, file: string): Promise<Taken> {
    const { folder, clock, logger } = this.#room;
    const { how } = first;
    const target = folder.pathOf(file);
    let taken = first;
    for (let look = 0; taken.isGrowing; look++) {
      if (look === 0) logger.warn('a segment was named before it was complete; it is watched', { path });
      if (look === GROWING_LOOKS) {
        logger.error('a segment does not stop growing; it is taken as it is', { path });
        break;
      }
      const isOver = await sleep(clock, GROWING_LOOK, this.#hurrying.signal).then(
        () => false,
        () => true,
      );
      if (isOver) break;
      taken = await this.#turns.run(async () =>
        how === 'link'
          ? { ...(await readAgain(folder.files, target, path)), how }
          : takeFile(folder.files, path, target),
      );
    }
    return taken;
  }
}
