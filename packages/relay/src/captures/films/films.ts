import { createHash } from 'node:crypto';
import { access, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, Logger } from '@perch/runtime';
import { type CaptureSummary, isComplete, type Segment } from '../capture.ts';
import type { Library } from '../library.ts';
import type { SegmentStore } from '../store/segment-store.ts';
import { atOnce } from './at-once.ts';
import { FilmError, STOPPED } from './errors.ts';
import { join as joinMovies } from './join.ts';
import { dropTorn, newNameOf } from './lasting.ts';
import { isUnfinished } from './mend.ts';
import { type Movie, readMovie, secondsOf } from './movie.ts';
import { madePart, makePart, type Part } from './parts.ts';
import { makePlain } from './plain.ts';
import { writePlaylist } from './playlist.ts';
import { Queue } from './queue.ts';
import { save } from './save.ts';
import { withSameSound } from './sound.ts';
import { guarded, type Tools } from './tools.ts';

export interface FilmsOptions {
  /** Where what is made of films is kept for a while. Whatever is missing is made again. */
  readonly directory: string;
  readonly library: Library;
  readonly store: SegmentStore;
  readonly tools: Tools;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What was made to be played is thrown away after so long; pictures stay as long as their film. */
const KEPT_MS = 86_400_000;
const PICTURES = 10;
/** So many segments of a film are made ready at a time, so that others get a turn. */
const AT_ONCE = 4;
/** Beyond so many that are being made ready, what nobody has asked for is left until somebody does. */
const MOST_PREPARED = 50;
/** So many segments that could not be saved are tried again with a new sister: the nearest. */
const MOST_AGAIN = 20;
/** Of so many films it is remembered what was tried with them, and what was listed. */
const MOST_REMEMBERED = 500;
/** Who plays a film that arrives asks for its list more often. */
const FOLLOWED_MS = 60_000;

/** A segment's file: it is there. */
type Filed = Segment & { readonly file: NonNullable<Segment['file']> };

/** What people see of films: made when a segment comes, or when it is asked for; each thing once, however many ask. */
export class Films {
  readonly #options: FilmsOptions;
  readonly #making = new Map<string, Promise<unknown>>();
  readonly #copying = new Queue({ most: { atOnce: AT_ONCE, waiting: MOST_PREPARED * 4 } });
  readonly #stop = new AbortController();
  /** By film: what is being found out of its segments. */
  readonly #looks = new Map<string, Set<Promise<unknown>>>();
  /** By film: encoders of which a segment was here when what could not be played was tried with it. */
  readonly #tried = new Map<string, Set<string>>();
  /** By film: the segments that were listed last while it arrived, and when that was. */
  readonly #listed = new Map<string, { readonly numbers: ReadonlySet<number>; readonly at: number }>();
  /** What was made before the power failed is gone. */
  #sound: Promise<void> | undefined;

  constructor(options: FilmsOptions) {
    this.#options = options;
  }

  /** Makes a segment ready that has just come, if there is nothing more urgent. Never rejects. */
  async prepare(id: string, number: number): Promise<void> {
    const { library, tools, logger } = this.#options;
    if (!tools.isIdle || this.#making.size >= MOST_PREPARED) return;
    try {
      const capture = await library.find(id);
      const segment = (await library.segments(id)).find((each) => each.number === number);
      if (capture && segment && isFiled(segment)) await this.#part(capture, segment);
    } catch (error) {
      if (error instanceof FilmError && error.code === 'stopped') return;
      logger.warn('a segment could not be made ready', { capture: id, error: (error as Error).message });
    }
  }

  /** HLS, while it arrives and after. @throws {FilmError} `nothing` where nothing of it can be played yet. */
  async playlist(capture: CaptureSummary): Promise<string> {
    const all = await this.#options.library.segments(capture.id);
    const isAll = isComplete(capture);
    const segments = isAll || capture.source === 'cloudtalker' ? all : inOneRun(all);
    const made = (each: Filed) => this.#part(capture, each);
    const parts = this.#growing(capture, await this.#each(capture, segments.filter(isFiled), made));
    const listed = parts.map(({ segment, made }) => ({
      part: made,
      address: `parts/${nameOf(segment)}.mp4`,
    }));
    if (listed.length === 0) throw NOTHING;
    return writePlaylist(listed, isAll);
  }

  /** Path of one file of the playlist; `undefined` where there is none of this name. */
  async partFile(capture: CaptureSummary, name: string): Promise<string | undefined> {
    const segments = await this.#options.library.segments(capture.id);
    const segment = segments.filter(isFiled).find((each) => `${nameOf(each)}.mp4` === name);
    return segment && (await this.#part(capture, segment))?.mp4;
  }

  /** Path of one MP4 of all that is here. @throws {FilmError} */
  async video(capture: CaptureSummary): Promise<string> {
    const { library, tools } = this.#options;
    const segments = (await library.segments(capture.id)).filter(isFiled);
    const key = createHash('sha256').update(segments.map(nameOf).join(' ')).digest('hex').slice(0, 16);
    const path = this.#pathOf(capture.id, `film-${key}.mp4`);
    return this.#once(path, async () => {
      const all = await this.#each(capture, segments, (segment) => this.#movie(capture, segment));
      const movies = all.map(({ made }) => made);
      const target = newNameOf(path);
      const directory = `${target}.sound`;
      try {
        await joinMovies(await withSameSound(tools, movies, directory), target, this.#stop.signal);
        await rename(target, path);
      } finally {
        await rm(target, { force: true });
        await rm(directory, { recursive: true, force: true });
      }
      await this.#removeOlderFilms(capture.id, `film-${key}.mp4`);
    });
  }

  /** Path of a small picture from its beginning. @throws {FilmError} */
  async thumbnail(capture: CaptureSummary): Promise<string> {
    const { library, tools } = this.#options;
    const path = this.#pathOf(capture.id, 'thumbnail.jpg');
    return this.#once(path, async () => {
      for (const segment of (await library.segments(capture.id)).filter(isFiled)) {
        const movie = await this.#movie(capture, segment);
        if (!movie?.video) continue;
        const at = String(Math.min(1, secondsOf(movie) / 2));
        const picture = ['-frames:v', '1', '-vf', "scale='min(480,iw)':-2", '-q:v', '5', '-f', 'image2'];
        const target = newNameOf(path);
        await tools.ffmpeg(['-ss', at, ...guarded, '-i', movie.path, ...picture, target], { isUrgent: true });
        await rename(target, path);
        return;
      }
      throw NOTHING;
    });
  }

  /** Path of ten small pictures in a row, from all over the film. @throws {FilmError} */
  async strip(capture: CaptureSummary): Promise<string> {
    const film = await this.video(capture);
    const key = /film-(\w+)/.exec(film)?.[1];
    const path = this.#pathOf(capture.id, `strip-${key}.jpg`);
    return this.#once(path, async () => {
      // Of the film itself: what is known of it was asked before all of it was looked at.
      const movie = await readMovie(film);
      const seconds = Math.max(0.1, movie ? secondsOf(movie) : 0);
      const sized =
        'scale=160:90:force_original_aspect_ratio=decrease:eval=frame,pad=160:90:-1:-1:eval=frame';
      // The last key frame stands for all that follows it: the row is full.
      const row = `tpad=stop_mode=clone:stop_duration=${seconds},fps=${PICTURES}/${seconds},tile=${PICTURES}x1`;
      const pictures = ['-vf', `${sized},${row}`, '-frames:v', '1', '-q:v', '6', '-f', 'image2'];
      // Key frames alone: a long film is not decoded for ten small pictures.
      const { tools } = this.#options;
      const target = newNameOf(path);
      // A row goes on where the film's size changes.
      const keys = ['-skip_frame', 'nokey', '-reinit_filter', '0', '-i', film, '-an'];
      await tools.ffmpeg([...keys, ...pictures, target]);
      await rename(target, path);
    });
  }

  /** Throws away all that was made of a film. */
  async forget(id: string): Promise<void> {
    await rm(join(this.#options.directory, id), { recursive: true, force: true });
  }

  /** Throws away what was made to be played more than a day ago. */
  async sweep(): Promise<void> {
    const { directory, clock } = this.#options;
    for (const id of await readdir(directory).catch(() => [])) {
      for (const name of await readdir(join(directory, id)).catch(() => [])) {
        const path = join(directory, id, name);
        if (name.endsWith('.jpg')) continue;
        const made = await stat(path).catch(() => undefined);
        const isOld = made && clock.wall() - made.mtimeMs > KEPT_MS;
        if (isOld) await rm(path, { recursive: true, force: true });
      }
    }
  }

  /** Resolves when nothing is written any more. What runs in `tools` has to be ended by its owner. Idempotent. */
  async close(): Promise<void> {
    this.#stop.abort();
    this.#copying.release();
    await Promise.allSettled([...this.#making.values()]);
  }

  /** Makes something of each segment. @returns what came of those that can be played, in their order. */
  async #each<T>(
    capture: CaptureSummary,
    segments: readonly Filed[],
    make: (segment: Filed) => Promise<T | undefined>,
  ): Promise<{ readonly segment: Filed; readonly made: T }[]> {
    const all = await atOnce(segments, AT_ONCE, async (segment) => ({ segment, made: await make(segment) }));
    const unplayable = segments.filter(({ isPlayable }) => isPlayable === false);
    if (unplayable.length > 0) {
      const known = (await this.#options.library.segments(capture.id)).filter(isFiled);
      const now = new Map(known.map((segment) => [nameOf(segment), segment]));
      const isSaved = unplayable.some((segment) => now.get(nameOf(segment))?.isPlayable);
      // Meanwhile another one has told what it lacked.
      if (isSaved) {
        const fresh = segments.map((segment) => now.get(nameOf(segment)) ?? segment);
        return this.#each(capture, fresh, make);
      }
    }
    return all.flatMap(({ segment, made }) => (made === undefined ? [] : { segment, made }));
  }

  /** Leaves out what would come before something that a player has in its list: that may only grow (RFC 8216 6.2.1). */
  #growing<T extends { readonly segment: Filed }>(capture: CaptureSummary, parts: readonly T[]): T[] {
    const now = this.#options.clock.wall();
    const before = this.#listed.get(capture.id);
    const { numbers } = before && now - before.at < FOLLOWED_MS ? before : NOT_LISTED;
    const last = Math.max(-1, ...numbers);
    const listed = parts.filter(({ segment: { number } }) => number > last || numbers.has(number));
    if (!isComplete(capture)) {
      remember(this.#listed, capture.id, {
        numbers: new Set(listed.map(({ segment }) => segment.number)),
        at: now,
      });
    }
    return listed;
  }

  /** A segment made ready for HLS; `undefined` where it cannot be played. */
  async #part(capture: CaptureSummary, segment: Filed): Promise<Part | undefined> {
    if (segment.isPlayable === false) return undefined;
    const path = this.#pathOf(capture.id, nameOf(segment));
    await this.#dropTorn();
    return this.#shared(path, async () => {
      const made = await madePart(path);
      if (made) return made;
      const movie = await this.#movie(capture, segment);
      if (!movie) return undefined;
      await mkdir(join(path, '..'), { recursive: true, mode: 0o700 });
      await this.#copying.enter();
      try {
        return await makePart(movie, path, this.#stop.signal);
      } finally {
        this.#copying.leave();
      }
    });
  }

  /** A segment as browsers can show it; `undefined` where it cannot be played. Which of both is noted. */
  async #movie(capture: CaptureSummary, segment: Filed): Promise<Movie | undefined> {
    if (segment.isPlayable === false) return undefined;
    const { library } = this.#options;
    const looked = await this.#noted(capture, this.#look(capture, segment));
    if (!looked || segment.isPlayable) return looked?.movie;
    const { movie, reason } = looked;
    // Who is told that this one can be played finds what it saves saved. Where that cannot be tried now, it is later.
    if (reason === undefined && !(await this.#lookAgain(capture, segment, movie))) return movie;
    const duration = durationOf(movie);
    await library.judge(capture.id, segment.number, segment.file.sha256, { duration, reason });
    return movie;
  }

  /** @returns `undefined` where it cannot be played; that is noted. */
  async #look(capture: CaptureSummary, segment: Filed): Promise<Shown | undefined> {
    await this.#dropTorn();
    try {
      return await this.#shown(capture, segment);
    } catch (error) {
      if (!(error instanceof FilmError) || error.code !== 'media') throw error;
      const { number, file } = segment;
      await this.#options.library.judge(capture.id, number, file.sha256, { reason: error.message });
      return undefined;
    }
  }

  /** Notes that somebody looks at a segment of a film, until that is over. */
  async #noted<T>({ id }: CaptureSummary, look: Promise<T>): Promise<T> {
    const looks = this.#looks.get(id) ?? new Set();
    this.#looks.set(id, looks.add(look));
    try {
      return await look;
    } finally {
      looks.delete(look);
      if (looks.size === 0) this.#looks.delete(id);
    }
  }

  /**
   * Tries again what could not be saved: a segment of another encoder than all before may tell what was missing.
   *
   * @returns whether that is done; if not, something is wrong with this machine now.
   */
  async #lookAgain(capture: CaptureSummary, sister: Filed, { video }: Movie): Promise<boolean> {
    const setup = video?.coding.setup;
    const tried = this.#tried.get(capture.id) ?? new Set();
    if (setup === undefined) return true;
    return this.#shared(this.#pathOf(capture.id, `${nameOf(sister)}.again`), async () => {
      if (tried.has(setup)) return true;
      remember(this.#tried, capture.id, tried.add(setup));
      // What is looked at just now may not know of this one.
      await Promise.allSettled([...(this.#looks.get(capture.id) ?? [])]);
      const far = ({ number }: Filed) => Math.abs(number - sister.number);
      const unplayable = (await this.#options.library.segments(capture.id))
        .filter(isFiled)
        .filter(({ isPlayable }) => isPlayable === false)
        .sort((a, b) => far(a) - far(b));
      try {
        await atOnce(unplayable.slice(0, MOST_AGAIN), AT_ONCE, (segment) =>
          this.#saveAgain(capture, segment),
        );
        return true;
      } catch (error) {
        tried.delete(setup);
        if (!(error instanceof FilmError) || error === STOPPED) throw error;
        return false;
      }
    });
  }

  async #saveAgain(capture: CaptureSummary, segment: Filed): Promise<void> {
    try {
      const movie = await this.#saved(capture, segment);
      if (!movie) return;
      const { number, file } = segment;
      const verdict = { duration: durationOf(movie), reason: SAVED };
      await this.#options.library.judge(capture.id, number, file.sha256, verdict);
    } catch (error) {
      if (!(error instanceof FilmError) || error.code !== 'media') throw error;
    }
  }

  /** The segment itself, or what was made of it, and what is wrong with that. */
  async #shown(capture: CaptureSummary, segment: Filed): Promise<Shown> {
    const source = this.#sourceOf(capture, segment);
    const own = await readMovie(source);
    if (own) return { movie: own };
    const plain = `${this.#pathOf(capture.id, nameOf(segment))}.plain.mp4`;
    return this.#shared(plain, async () => {
      const made = await readMovie(plain);
      if (made) return { movie: made };
      const saved = await this.#saved(capture, segment);
      return saved
        ? { movie: saved, reason: SAVED }
        : { movie: await makePlain(this.#options.tools, source, plain) };
    });
  }

  /** What can be saved of a segment that was never finished. */
  async #saved(capture: CaptureSummary, segment: Filed): Promise<Movie | undefined> {
    const { library, store, tools } = this.#options;
    const path = `${this.#pathOf(capture.id, nameOf(segment))}.saved.mp4`;
    return this.#shared(path, async () => {
      const before = await readMovie(path);
      if (before) return before;
      const source = this.#sourceOf(capture, segment);
      if (!(await isUnfinished(source))) return undefined;
      await mkdir(join(path, '..'), { recursive: true, mode: 0o700 });
      const others = await library.sisters(capture, segment.number);
      const sisters = others.map((other) => store.pathOf(other));
      return save(tools, source, sisters, path);
    });
  }

  #sourceOf(capture: CaptureSummary, { number, file }: Filed): string {
    return this.#options.store.pathOf({ ...capture, ...file, capture: capture.name, segment: number });
  }

  /** Makes a file that is not there yet. */
  async #once(path: string, make: () => Promise<void>): Promise<string> {
    await this.#dropTorn();
    const isThere = await access(path).then(
      () => true,
      () => false,
    );
    if (isThere) return path;
    await mkdir(join(path, '..'), { recursive: true, mode: 0o700 });
    await this.#shared(path, make);
    return path;
  }

  #dropTorn(): Promise<void> {
    this.#sound ??= dropTorn(this.#options.directory);
    return this.#sound;
  }

  /** One does the work; all who ask meanwhile get what came of it. */
  async #shared<T>(path: string, make: () => Promise<T>): Promise<T> {
    const making = this.#making.get(path);
    if (making) return making as Promise<T>;
    if (this.#stop.signal.aborted) throw STOPPED;
    const made = make().finally(() => this.#making.delete(path));
    this.#making.set(path, made);
    return made;
  }

  async #removeOlderFilms(id: string, kept: string): Promise<void> {
    const directory = join(this.#options.directory, id);
    for (const name of await readdir(directory)) {
      const isOlder = /^(film|strip)-\w+\.(mp4|jpg)$/.test(name) && !name.startsWith(kept.slice(0, -4));
      if (isOlder) await rm(join(directory, name), { force: true });
    }
  }

  #pathOf(id: string, name: string): string {
    return join(this.#options.directory, id, name);
  }
}

/** How a segment can be shown, and what is wrong with that. */
interface Shown {
  readonly movie: Movie;
  readonly reason?: string;
}

/** In ms. */
const durationOf = (movie: Movie): number => Math.round(secondsOf(movie) * 1_000);

const NOT_LISTED = { numbers: new Set<number>() } as const;

/** Remembers something of few: what was remembered first is forgotten. */
function remember<T>(of: Map<string, T>, id: string, what: T): void {
  of.delete(id);
  of.set(id, what);
  const [first] = of.keys();
  if (of.size > MOST_REMEMBERED && first !== undefined) of.delete(first);
}

const SAVED = 'its end was never written: its pictures were saved, its sound is lost';
const NOTHING = new FilmError('nothing', 'nothing of this film can be played yet');

const isFiled = (segment: Segment): segment is Filed =>
  segment.file !== undefined && (segment.state === 'here' || segment.state === 'cut');

const nameOf = ({ number, file }: Filed): string => `${number}-${file.sha256.slice(0, 12)}`;

/** What may be listed while more is to come: from the first on, up to the first of which nothing is known. */
function inOneRun(segments: readonly Segment[]): Segment[] {
  const gap = segments.findIndex(({ number }, i) => number !== i);
  return gap === -1 ? [...segments] : segments.slice(0, gap);
}
