// Builds what programs run: dist/perch.js and dist/web/. Node 18 must be able to read this file.
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { bundledNode, majorOf, NODE_FOR_PROGRAMS, root, run, SetUpError } from './node.mjs';

const dist = path.join(root, 'dist');
const stamp = path.join(dist, '.sources');

/** Builds where a source is newer than what was built; with the new Node, whichever runs now. */
export async function buildIfStale() {
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === hashSources()) return;
  console.error('perch: building …');
  const node = majorOf(process.versions.node) >= NODE_FOR_PROGRAMS ? process.execPath : bundledNode();
  const code = await run([node, path.join(root, 'tools', 'build.mjs')], {
    stdio: ['ignore', process.stderr, process.stderr],
  });
  if (code !== 0) throw new SetUpError('the build failed; its own words are above');
}

/** Builds into a new directory, then puts it in the place of the old one: a program that starts meanwhile finds all of it. */
export async function buildAll() {
  const sources = hashSources();
  const outdir = path.join(root, '.cache', `dist-${process.pid}`);
  rmSync(outdir, { recursive: true, force: true });
  mkdirSync(path.join(outdir, 'web'), { recursive: true });
  try {
    const { buildPlayer } = await import('../../packages/player/build.mjs');
    const { buildApp } = await import('../../packages/app/build.mjs');
    const { buildAgentPage } = await import('../../packages/agent/build.mjs');
    await Promise.all([
      buildProgram(outdir),
      buildPlayer({ outdir: path.join(outdir, 'web'), minify: true }),
      buildApp({ outdir: path.join(outdir, 'web'), minify: true }),
      buildAgentPage({ outdir }),
    ]);
    writeFileSync(path.join(outdir, '.sources'), sources);
    rmSync(dist, { recursive: true, force: true });
    renameSync(outdir, dist);
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}

/** Our packages in one file; packages from npm stay outside, so that they are what the lockfile says. */
async function buildProgram(outdir) {
  const { build } = await import('esbuild');
  const { dependencies } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: {
      perch: 'packages/cli/src/main.ts',
      // A thread and a process of the relay, which looks for them beside itself.
      'sqlite-worker': 'packages/relay/src/storage/sqlite-worker.ts',
      'hash-process': 'packages/relay/src/people/password/hash-process.ts',
    },
    outdir,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    external: Object.keys(dependencies).flatMap((name) => [name, `${name}/*`]),
    sourcemap: true,
    sourcesContent: false,
    metafile: true,
    logLevel: 'warning',
  });
  const strays = Object.keys(metafile.inputs).filter((file) => file.includes('node_modules/'));
  if (strays.length > 0) {
    throw new SetUpError(
      `the bundle would hold packages that the root package.json does not name: ${strays.join(', ')}`,
    );
  }
}

/** Changes when a file that the build reads changes: names, sizes and times of change, not contents. */
function hashSources() {
  const hash = createHash('sha256');
  const add = (file) => {
    const { size, mtimeMs } = statSync(file);
    hash.update(`${file}\0${size}\0${mtimeMs}\n`);
  };
  const walk = (directory) => {
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      const file = path.join(directory, entry.name);
      if (entry.isDirectory() && entry.name !== 'node_modules') walk(file);
      else if (entry.isFile() && !entry.name.endsWith('.test.ts')) add(file);
    }
  };
  walk(path.join(root, 'packages'));
  walk(path.join(root, 'tools', 'setup'));
  add(path.join(root, 'package-lock.json'));
  return hash.digest('hex');
}
