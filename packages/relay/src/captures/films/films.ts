import { createHash } from 'node:crypto';
import { access, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, Logger } from '@perch/runtime';
import { type CaptureSummary, isComplete, type Segment } from '../capture.ts';
import type { Library } from '../library.ts';
import type { SegmentStore } from '../store/segment-store.ts';
import { FilmError } from './errors.ts';
import { joinAlike, joinParts } from './join.ts';
import { dropTorn, newNameOf } from './lasting.ts';
import { madePart, makePart, type Part } from './parts.ts';
import { writePlaylist } from './playlist.ts';
import { save } from './save.ts';
import type { Tools } from './tools.ts';

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
/** So many of a film are asked for at a time, so that others get a turn. */
const PARTS_AT_ONCE = 4;

/** A segment's file: it is there. */
type Filed = Segment & { readonly file: NonNullable<Segment['file']> };

/** What people see of films: made when a segment comes, or when it is asked for; each thing once, however many ask. */
export class Films {
  readonly #options: FilmsOptions;
  readonly #making = new Map<string, Promise<unknown>>();
  /** What was made before the power failed is gone. */
  #sound: Promise<void> | undefined;

  constructor(options: FilmsOptions) {
    this.#options = options;
  }

  /** Makes a segment ready that has just come, if there is nothing more urgent. Never rejects. */
  async prepare(id: string, number: number): Promise<void> {
    const { library, tools, logger } = this.#options;
    if (!tools.isIdle) return;
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
    const parts = await this.#parts(capture, segments.filter(isFiled));
    const listed = parts.map(({ segment, part }) => ({ part, address: `parts/${nameOf(segment)}.mp4` }));
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
      if (
        !(await joinAlike(
          tools,
          segments.map((segment) => this.#sourceOf(capture, segment)),
          path,
        ))
      ) {
        const parts = await this.#parts(capture, segments);
        await joinParts(
          tools,
          parts.map(({ part }) => part),
          path,
        );
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
        const part = await this.#part(capture, segment);
        if (!part?.video) continue;
        const at = String(Math.min(1, part.duration / 2_000));
        const picture = ['-frames:v', '1', '-vf', "scale='min(480,iw)':-2", '-q:v', '5', '-f', 'image2'];
        const target = newNameOf(path);
        await tools.ffmpeg(['-ss', at, '-i', part.mp4, ...picture, target], { isUrgent: true });
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
      const seconds = Math.max(0.1, capture.duration / 1_000);
      const rows = `fps=${PICTURES}/${seconds},scale=160:90:force_original_aspect_ratio=decrease,pad=160:90:-1:-1`;
      const pictures = ['-vf', `${rows},tile=${PICTURES}x1`, '-frames:v', '1', '-q:v', '6', '-f', 'image2'];
      // Key frames alone: a long film is not decoded for ten small pictures.
      const { tools } = this.#options;
      const target = newNameOf(path);
      await tools.ffmpeg(['-skip_frame', 'nokey', '-i', film, '-an', ...pictures, target]);
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
        if (made && clock.wall() - made.mtimeMs > KEPT_MS) await rm(path, { force: true });
      }
    }
  }

  /** Those that can be played, made ready, in their order. */
  async #parts(
    capture: CaptureSummary,
    segments: readonly Filed[],
  ): Promise<{ readonly segment: Filed; readonly part: Part }[]> {
    const parts: (Part | undefined)[] = [];
    let next = 0;
    const work = async () => {
      for (let i = next++; i < segments.length; i = next++)
        parts[i] = await this.#part(capture, segments[i] as Filed);
    };
    await Promise.all(Array.from({ length: PARTS_AT_ONCE }, work));
    return segments.flatMap((segment, i) => {
      const part = parts[i];
      return part ? { segment, part } : [];
    });
  }

  /** A segment made ready; `undefined` where it cannot be played, which is noted. */
  async #part(capture: CaptureSummary, segment: Filed): Promise<Part | undefined> {
    if (segment.isPlayable === false) return undefined;
    const { library } = this.#options;
    const { number, file } = segment;
    const path = this.#pathOf(capture.id, nameOf(segment));
    await this.#dropTorn();
    try {
      const part = await this.#shared(
        path,
        async () => (await madePart(path)) ?? this.#makePart(capture, segment, path),
      );
      const { duration, remark } = part;
      if (!segment.isPlayable)
        await library.judge(capture.id, number, file.sha256, { duration, reason: remark });
      return part;
    } catch (error) {
      if (!(error instanceof FilmError) || error.code !== 'media') throw error;
      await library.judge(capture.id, number, file.sha256, { reason: error.message });
      return undefined;
    }
  }

  /** From the segment as it came; where that cannot be played, from what can be saved of it. */
  async #makePart(capture: CaptureSummary, segment: Filed, path: string): Promise<Part> {
    const { library, store, tools } = this.#options;
    const source = this.#sourceOf(capture, segment);
    try {
      return await makePart(tools, { path: source }, path);
    } catch (error) {
      if (!(error instanceof FilmError) || error.code !== 'media') throw error;
      const others = await library.sisters(capture, segment.number);
      const mended = await save(
        tools,
        source,
        others.map((other) => store.pathOf(other)),
        newNameOf(`${path}.saved`),
      );
      if (!mended) throw error;
      try {
        return await makePart(tools, mended, path);
      } finally {
        await rm(mended.path, { force: true });
      }
    }
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
  #shared<T>(path: string, make: () => Promise<T>): Promise<T> {
    const making = this.#making.get(path);
    if (making) return making as Promise<T>;
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

const NOTHING = new FilmError('nothing', 'nothing of this film can be played yet');

const isFiled = (segment: Segment): segment is Filed =>
  segment.file !== undefined && (segment.state === 'here' || segment.state === 'cut');

const nameOf = ({ number, file }: Filed): string => `${number}-${file.sha256.slice(0, 12)}`;

/** What may be listed while more is to come: from the first on, up to the first of which nothing is known. */
function inOneRun(segments: readonly Segment[]): Segment[] {
  const gap = segments.findIndex(({ number }, i) => number !== i);
  return gap === -1 ? [...segments] : segments.slice(0, gap);
}
