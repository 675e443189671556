// Builds the player for the browser: `player.js`, one file to put on any page, and `player-mpeg1.js` beside it, which is
// fetched when a stream needs it. Called by tools/build.mjs.
import path from 'node:path';
import { build } from 'esbuild';

const here = import.meta.dirname;
const src = (file) => path.join(here, 'src', file);

/** What all scripts of the player have in common. */
const common = (minify) => ({
  bundle: true,
  format: 'esm',
  target: ['es2022'],
  minify,
  legalComments: 'none',
  logLevel: 'warning',
});

/**
 * An esbuild plug-in that turns `perch-player:worker` and `perch-player:worklet` into those scripts as text. Needed by
 * whoever bundles `@perch/player` from its source.
 */
export function playerScripts({ minify = true } = {}) {
  return {
    name: 'perch-player-scripts',
    setup(plugin) {
      plugin.onResolve({ filter: /^perch-player:/ }, ({ path: name }) => ({
        path: name.slice('perch-player:'.length),
        namespace: 'perch-player',
      }));
      plugin.onLoad({ filter: /^(worker|worklet)$/, namespace: 'perch-player' }, async ({ path: name }) => {
        const entry = src(`${name}/entry.ts`);
        const result = await build({ ...common(minify), entryPoints: [entry], write: false, metafile: true });
        return {
          contents: result.outputFiles[0].text,
          loader: 'text',
          watchFiles: Object.keys(result.metafile.inputs).map((file) => path.resolve(file)),
        };
      });
    },
  };
}

/** Writes `player.js` and `player-mpeg1.js` to `outdir`. */
export async function buildPlayer({ outdir, minify = true }) {
  await Promise.all([
    build({
      ...common(minify),
      entryPoints: { player: src('element.ts') },
      outdir,
      plugins: [playerScripts({ minify })],
    }),
    build({
      ...common(minify),
      entryPoints: { 'player-mpeg1': src('decode/software.ts') },
      outdir,
      // The decoders' package asks the page's window for the time; in a worker that is the global scope itself.
      define: { window: 'globalThis' },
    }),
  ]);
}
