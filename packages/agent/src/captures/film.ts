import { realpath } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import type { CaptureName, Trigger } from '@perch/protocol';
import { type Clock, type Logger, millis } from '@perch/runtime';
import { type Spool, SpoolError } from '../spool/index.ts';
import { extensionOf, readFileName } from './segment-file.ts';

/** Where captures go and which files may be taken. */
export interface FilmOptions {
  readonly spool: Spool;
  /** Relative names are looked for here. */
  readonly inputDirectory: string;
  /** Only files below it are taken. Default: wherever they are. */
  readonly captureDirectory?: string;
  /** The source is a list that may be read again after a crash: the spool keeps what it calls each file. */
  readonly isList?: boolean;
  readonly recent: RecentFilms;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A film whose files say when it was triggered keeps its id for as long as it is among the latest. */
export class RecentFilms {
  readonly #films = new Map<string, Known>();

  /** The film of this trigger and second: the same as before, or a new one. */
  find(spool: Spool, trigger: Trigger, timestamp: number): Known {
    const key = `${trigger}.${timestamp}`;
    const known = this.#films.get(key) ?? newFilm(spool.name(trigger, timestamp));
    this.#films.delete(key);
    this.#films.set(key, known);
    if (this.#films.size > MOST_RECENT) this.#films.delete(this.#films.keys().next().value as string);
    return known;
  }
}

/** What is known of a film that is being taken. */
export interface Known {
  readonly name: CaptureName;
  /** Segments that were announced, with the hash of each when it is taken; none where it cannot be. */
  readonly announced: Map<number, Promise<string | undefined>>;
}

const MOST_RECENT = 32;
/** So long a segment waits for the one before it. */
const PATIENCE = millis(5_000);
const newFilm = (name: CaptureName): Known => ({ name, announced: new Map() });

/**
 * What one source of files tells, such as one connection of a camera program: its segments become films in the spool.
 * A file named `<pir|cap>.<second>.<number>.…` says which film it belongs to; another second begins another film
 * (COMPAT 4.4). A file named otherwise joins the film that is on, or begins one that was asked for, `cap`, timed now.
 * What cannot be taken is said, here and to the relay, and stops nothing.
 */
export class Film {
  readonly #options: FilmOptions;
  readonly #taking = new Set<Promise<unknown>>();
  #current: Known | undefined;
  #begun: Promise<void> = Promise.resolve();
  #before: Promise<void> = Promise.resolve();

  constructor(options: FilmOptions) {
    this.#options = options;
  }

  /** How many segments are being taken now. */
  get taking(): number {
    return this.#taking.size;
  }

  /** A file is complete. Returns at once; `end` waits for it. */
  segment(path: string): void {
    const file = this.#absolute(path);
    const named = readFileName(basename(file));
    if (
      named &&
      (named.timestamp !== this.#current?.name.timestamp || named.trigger !== this.#current.name.trigger)
    ) {
      this.#finish();
      this.#begin(this.#options.recent.find(this.#options.spool, named.trigger, named.timestamp));
    }
    this.#add(this.#current ?? this.#beginUnnamed(), file, named?.segment);
  }

  /** A file that a list names: one that is named otherwise is a film of its own. */
  listed(path: string): void {
    const isNamed = readFileName(basename(path)) !== undefined;
    if (!isNamed) this.#finish();
    this.segment(path);
    if (!isNamed) this.#finish();
  }

  /** Files that are one film, in this order, whatever they are called. @returns its id. */
  together(paths: readonly string[]): string {
    const film = this.#beginUnnamed();
    for (const path of paths) this.#add(film, this.#absolute(path), undefined);
    return film.name.id;
  }

  /** Something was seen that is no film, or with the film that is on. */
  alarm(gpio: number | undefined): void {
    const { spool, clock } = this.#options;
    const capture = this.#current?.name;
    const event = {
      kind: 'alarm',
      timestamp: Math.floor(clock.wall() / 1000),
      ...(capture && { capture }),
      ...(gpio !== undefined && { gpio }),
    } as const;
    this.#track(this.#begun.then(() => spool.note(event)));
  }

  /** Resolves when fewer than `most` segments are being taken. */
  async settled(most: number): Promise<void> {
    while (this.#taking.size >= most) await Promise.race(this.#taking);
  }

  /** The source is over. Resolves when all that it told is in the spool. */
  async end(): Promise<void> {
    this.#finish();
    while (this.#taking.size > 0) await Promise.all(this.#taking);
  }

  /** @param named its number by its name; otherwise it is numbered by order. */
  #add(film: Known, file: string, named: number | undefined): void {
    const twin = named === undefined ? undefined : film.announced.get(named);
    const number = named === undefined || twin ? nextNumber(film) : named;
    const taken = this.#inTurn(() => this.#take(film, file, number, twin));
    film.announced.set(number, taken);
    this.#track(taken);
  }

  /** In the order in which they were named, so that they travel so; but nobody waits long for a file that grows. */
  #inTurn<T>(take: () => Promise<T>): Promise<T> {
    const before = this.#before;
    const patience = Promise.withResolvers<void>();
    const timer = this.#options.clock.after(PATIENCE, patience.resolve);
    const taken = Promise.race([before, patience.promise]).then(() => {
      timer.cancel();
      return take();
    });
    this.#before = taken.then(
      () => undefined,
      () => undefined,
    );
    return taken;
  }

  #absolute(path: string): string {
    return isAbsolute(path) ? path : resolve(this.#options.inputDirectory, path);
  }

  #begin(film: Known): void {
    this.#current = film;
    this.#begun = this.#options.spool.begin(film.name);
    // Whatever is taken for it waits for this, and says so where it fails.
    this.#begun.catch(() => undefined);
  }

  #beginUnnamed(): Known {
    const { spool, clock } = this.#options;
    const film = newFilm(spool.name('cap', Math.floor(clock.wall() / 1000)));
    this.#begin(film);
    return film;
  }

  /** The film that is on is over, as soon as what was told of it is taken. */
  #finish(): void {
    const film = this.#current;
    if (!film) return;
    this.#current = undefined;
    const before = [...this.#taking];
    this.#track(
      Promise.all(before).then(() =>
        this.#options.spool.note({ kind: 'end', capture: film.name, segments: film.announced.size }),
      ),
    );
  }

  /** @param twin a segment that was announced under the same number: if it is the same, this one is passed over. */
  async #take(
    film: Known,
    file: string,
    segment: number,
    twin: Promise<string | undefined> | undefined,
  ): Promise<string | undefined> {
    const { spool, isList, logger } = this.#options;
    try {
      await this.#begun;
      const unless = await twin;
      const path = await this.#allowed(file);
      const order = { capture: film.name, segment, extension: extensionOf(file), path };
      const { sha256 } = await spool.take({
        ...order,
        ...(unless !== undefined && { unless }),
        ...(isList && { listed: file }),
      });
      return sha256;
    } catch (error) {
      if (error instanceof SpoolError && error.code === 'segment-twice') {
        film.announced.delete(segment);
        logger.debug('a segment was named twice', { file });
      } else await spool.missed(film.name, segment, (error as Error).message);
      return undefined;
    }
  }

  /** The file's real place, where only some places are allowed. @throws {SpoolError} `segment-elsewhere` */
  async #allowed(file: string): Promise<string> {
    const { captureDirectory } = this.#options;
    if (captureDirectory === undefined) return file;
    const [root, directory] = await Promise.all([
      realpath(captureDirectory),
      realpath(dirname(file)).catch((cause: Error) => {
        throw new SpoolError('segment-missing', `${file} is not there`, { cause });
      }),
    ]);
    const way = relative(root, directory);
    if (way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way))
      throw new SpoolError('segment-elsewhere', `${file} is not below ${captureDirectory}`);
    return join(directory, basename(file));
  }

  #track(work: Promise<unknown>): void {
    const { logger } = this.#options;
    const tracked: Promise<unknown> = work
      .catch((error: Error) =>
        logger.error('something of a capture could not be written down', { error: error.message }),
      )
      .finally(() => this.#taking.delete(tracked));
    this.#taking.add(tracked);
  }
}

const nextNumber = ({ announced }: Known): number =>
  announced.size === 0 ? 0 : Math.max(...announced.keys()) + 1;
