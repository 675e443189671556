import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { dataError, RelayError, systemCode } from './errors.ts';

/**
 * One JSON file of state, replaced as a whole: whoever reads sees the old or the new, also after a power cut. Small and
 * rarely written, so it is done synchronously: a change is answered only when it is on the disk.
 *
 * Another program may replace the file too; {@link read} sees it.
 */
export class StateFile<T> {
  readonly path: string;
  readonly #decode: (value: unknown) => T;
  readonly #empty: T;
  #seen = '';
  #value: T;

  /** @param options.decode makes a domain value of what JSON gave; it throws an error that says what is wrong. */
  constructor(options: { path: string; empty: T; decode: (value: unknown) => T }) {
    this.path = options.path;
    this.#decode = options.decode;
    this.#empty = options.empty;
    this.#value = options.empty;
  }

  /**
   * What the file holds now. It is read again only when it was changed; a file that is not there is empty.
   *
   * @throws {RelayError} `data-damaged` where it cannot be understood; what was read before stays in {@link latest}.
   */
  read(): T {
    let stamp: string;
    try {
      const stat = statSync(this.path, { bigint: true });
      stamp = `${stat.ino} ${stat.size} ${stat.mtimeNs}`;
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw dataError(error, this.path);
      stamp = 'absent';
    }
    if (stamp === this.#seen) return this.#value;
    // A damaged file is complained about once, then the last good one holds until it changes again.
    this.#seen = stamp;
    this.#value = stamp === 'absent' ? this.#empty : this.#load();
    return this.#value;
  }

  /** What was read or written last. */
  get latest(): T {
    return this.#value;
  }

  /** Changes the file: `change` gets what is in it now. Others who change it the same way wait for each other. */
  update(change: (value: T) => T): T {
    const lock = `${this.path}.lock`;
    takeLock(lock);
    try {
      const next = change(this.read());
      replaceFile(this.path, `${JSON.stringify(next, null, 2)}\n`);
      this.#value = next;
      this.#seen = '';
      return this.read();
    } finally {
      rmSync(lock, { force: true });
    }
  }

  #load(): T {
    try {
      return this.#decode(JSON.parse(readFileSync(this.path, 'utf8')));
    } catch (error) {
      if (systemCode(error)) throw dataError(error, this.path);
      const why = error instanceof Error ? error.message : String(error);
      throw new RelayError(
        'data-damaged',
        `${this.path} cannot be understood (${why}). Put it right or remove it; a copy from before a change may help.`,
        { cause: error },
      );
    }
  }
}

/** Temporary file, fsync, rename, fsync of the directory. */
function replaceFile(path: string, text: string): void {
  const temporary = `${path}.new`;
  try {
    const file = openSync(temporary, 'w', 0o600);
    try {
      writeSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
    const directory = openSync(dirname(path), 'r');
    try {
      fsyncSync(directory);
    } finally {
      closeSync(directory);
    }
  } catch (error) {
    rmSync(temporary, { force: true });
    throw dataError(error, path);
  }
}

/** A lock is held for milliseconds; one this old was left behind by a crash. */
const STALE_LOCK_MS = 5_000;

function takeLock(path: string): void {
  const giveUpAt = Date.now() + 2 * STALE_LOCK_MS;
  for (;;) {
    try {
      closeSync(openSync(path, 'wx', 0o600));
      return;
    } catch (error) {
      if (systemCode(error) !== 'EEXIST' || Date.now() > giveUpAt) throw dataError(error, path);
      const held = statSync(path, { throwIfNoEntry: false });
      if (held && Date.now() - held.mtimeMs > STALE_LOCK_MS) rmSync(path, { force: true });
      else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
    }
  }
}
