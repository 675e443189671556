import { readFile, rename, writeFile } from 'node:fs/promises';
import { newNameOf } from './lasting.ts';
import type { Movie } from './movie.ts';
import { type Pieces, writePieces } from './pieces.ts';

/** A segment made ready to be shown while its film arrives. */
export interface Part extends Pieces {
  /** Fragmented MP4 that begins at 0. */
  readonly mp4: string;
}

/** The part that was made there, if it was. @param path where parts are, without extension. */
export async function madePart(path: string): Promise<Part | undefined> {
  const made = await readFile(noteOf(path), 'utf8').catch(() => undefined);
  return made === undefined ? undefined : { ...(JSON.parse(made) as Pieces), mp4: mp4Of(path) };
}

/**
 * Makes a segment ready.
 *
 * @param path where the part is to be, without extension.
 * @throws {FilmError}
 */
export async function makePart(movie: Movie, path: string, signal: AbortSignal): Promise<Part> {
  const [mp4, note] = [mp4Of(path), noteOf(path)];
  const pieces = await writePieces(movie, newNameOf(mp4), signal);
  await rename(newNameOf(mp4), mp4);
  await writeFile(newNameOf(note), JSON.stringify(pieces), { mode: 0o600 });
  await rename(newNameOf(note), note);
  return { ...pieces, mp4 };
}

const mp4Of = (path: string): string => `${path}.mp4`;
const noteOf = (path: string): string => `${path}.pieces`;
