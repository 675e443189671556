import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { build } from 'esbuild';
import { bundling } from '../../../packages/app/build.mjs';

const source = `
  import { render } from 'preact';
  import { FilmPlayer } from './captures/film-player.tsx';
  const [, id, isComplete] = location.hash.split('/');
  const show = (isNow) => render(<FilmPlayer id={id} isComplete={isNow} autoplay />, document.body);
  show(isComplete === 'complete');
  globalThis.complete = () => show(true);
`;

/** Builds a site with a page that has nothing but a film's player: `/film.html#/ID[/complete]`. */
export async function buildFilmPage(outdir: string): Promise<void> {
  await mkdir(outdir, { recursive: true });
  const resolveDir = path.join(import.meta.dirname, '../../../packages/app/src');
  await build({
    ...bundling,
    jsx: 'automatic',
    format: 'esm',
    logLevel: 'warning',
    outdir,
    splitting: true,
    entryNames: 'film',
    stdin: { contents: source, loader: 'tsx', resolveDir },
  });
  await writeFile(
    path.join(outdir, 'film.html'),
    '<!doctype html><title>Film</title><link rel="icon" href="data:,"><script type="module" src="/film.js"></script>',
  );
}
