// Builds the web app: app.js, app.css, the service worker, and the static files beside them.
import { cp, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = path.dirname(fileURLToPath(import.meta.url));
const src = (file) => path.join(here, 'src', file);

/** How esbuild makes scripts of the app's sources. */
export const bundling = {
  bundle: true,
  format: 'esm',
  target: ['es2022'],
  jsx: 'automatic',
  jsxImportSource: 'preact',
  // Without captions, several sounds and locked films: our films have none of these.
  alias: { 'hls.js': 'hls.js/light' },
  logLevel: 'warning',
};

/** Writes the app to `outdir`, which must exist. */
export async function buildApp({ outdir, minify = true }) {
  const { version } = JSON.parse(await readFile(path.join(here, 'package.json'), 'utf8'));
  const options = { ...bundling, outdir, minify, define: { __PERCH_VERSION__: JSON.stringify(version) } };
  await Promise.all([
    cp(path.join(here, 'static'), outdir, { recursive: true }),
    build({
      ...options,
      entryPoints: [
        { in: src('main.tsx'), out: 'app' },
        { in: src('style/index.css'), out: 'app' },
      ],
      // What few pages need is fetched when it is needed.
      splitting: true,
      chunkNames: 'app-[name]-[hash]',
    }),
    // By itself: a service worker cannot fetch a part that it shares with the page.
    build({ ...options, entryPoints: [{ in: src('service-worker.ts'), out: 'sw' }] }),
  ]);
}
