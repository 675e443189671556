// Installs the npm packages where the lockfile changed since the last time. Node 18 must be able to read this file.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root, run, SetUpError } from './node.mjs';

const stamp = path.join(root, '.cache', 'dependencies');
const lockfile = path.join(root, 'package-lock.json');

const hash = () =>
  createHash('sha256')
    .update(readFileSync(lockfile))
    .update(`${process.platform}-${process.arch}`)
    .digest('hex');

/** What npm last wrote about `node_modules`; undefined where there is none. */
const hidden = path.join(root, 'node_modules', '.package-lock.json');

function isInstalled() {
  if (!existsSync(hidden)) return false;
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === hash()) return true;
  // Somebody ran npm by hand: what is there may be right all the same.
  if (!agrees(read(lockfile), read(hidden))) return false;
  rememberInstalled();
  return true;
}

const read = (file) => JSON.parse(readFileSync(file, 'utf8')).packages ?? {};

/** Whether every package that the lockfile wants is there in its version; optional ones may be absent. */
function agrees(wanted, present) {
  return Object.entries(wanted).every(([place, { version, optional, devOptional, link }]) => {
    if (place === '' || link) return true;
    const found = present[place];
    return found ? found.version === version : Boolean(optional || devOptional);
  });
}

/** Remembers that `node_modules` is what the lockfile says: after every install, by whomever. */
export function rememberInstalled() {
  mkdirSync(path.dirname(stamp), { recursive: true });
  writeFileSync(stamp, hash());
}

/**
 * Makes `node_modules` what the lockfile says, if it is not.
 *
 * @param node which Node runs here: with an `own` one the bundled one may not run, and must not be in the way.
 * @returns whether anything was installed.
 */
export async function installDependencies(node) {
  if (isInstalled()) return false;
  console.error('perch: installing npm packages …');
  // No install script runs: what we use needs none, and our own build follows.
  const code = await run(
    [
      ...npm(),
      'ci',
      '--ignore-scripts',
      '--include=dev',
      '--include=optional',
      '--no-audit',
      '--no-fund',
      '--loglevel=error',
    ],
    { stdio: ['ignore', process.stderr, process.stderr] },
  );
  if (code !== 0) {
    throw new SetUpError(
      `npm ci failed (exit code ${code}); its own words are above. Is the npm registry reachable (npm ping), and is there room on the disk?`,
    );
  }
  // npm puts node_modules/.bin before everything else in the PATH of a script.
  if (node === 'own') rmSync(path.join(root, 'node_modules', '.bin', 'node'), { force: true });
  rememberInstalled();
  return true;
}

/** The npm that runs us, else the one on the PATH. */
function npm() {
  const { npm_execpath: cli, npm_node_execpath: node } = process.env;
  if (cli?.endsWith('npm-cli.js') && node && existsSync(cli) && existsSync(node)) return [node, cli];
  return ['npm'];
}
