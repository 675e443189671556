import { createHash } from 'node:crypto';
import {
  copyFile,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/**
 * What of a directory has reached the platter: contents of files by `fsync`, names by `fsync` of their directory. A
 * process that is loaded with `captures-power.ts` notes it; {@link cutPower} then leaves what a real disk might.
 */
export interface Platter {
  /** All below it can be lost, but the database's files: SQLite syncs them beneath our feet, and is trusted to. */
  readonly root: string;
  /** Where it is noted, outside of it. */
  readonly notes: string;
}

const DIRECTORY = 'directory';
const isDatabase = (name: string) => name.startsWith('perch.db');
let temporaries = 0;

/** Notes that all that is in a directory now is on the platter. */
export async function noteAll({ root, notes }: Platter): Promise<void> {
  await mkdir(notes, { recursive: true });
  for (const { path, isDirectory } of await below(root)) {
    if (isDirectory) await noteNames(notes, path);
    else await noteContent(notes, path);
  }
}

/** A file or directory was synced. What went meanwhile is not noted. */
export async function noteSynced({ root, notes }: Platter, fd: number): Promise<void> {
  const path = await readlink(`/proc/self/fd/${fd}`);
  if (path !== root && !path.startsWith(`${root}/`)) return;
  const stats = await lstat(path).catch(() => undefined);
  if (stats?.isDirectory()) await noteNames(notes, path);
  else if (stats) await noteContent(notes, path);
}

/**
 * The power is cut: what was synced is there; what was not is there, or not, or in part, as `random` says. Whatever used
 * the directory must be gone. Afterwards all that is left is on the platter.
 */
export async function cutPower(platter: Platter, random: () => number): Promise<void> {
  const alive = await contentsOf(platter.root);
  const moved = new Set<string>();
  for (const [key, path] of alive) {
    const safe = await readNames(platter.notes, dirname(path));
    if (safe[basename(path)] === key) moved.add(key);
  }
  await cutDirectory(platter, platter.root, random, { alive, moved });
  await rm(platter.notes, { recursive: true, force: true });
  await noteAll(platter);
}

interface Content {
  readonly bytes: Buffer;
  readonly modified: Date;
}

/** Files that are there now, by what they are, whatever they are called. */
async function contentsOf(root: string): Promise<Map<string, string>> {
  const paths = new Map<string, string>();
  for (const { path, isDirectory } of await below(root)) {
    const key = isDirectory ? undefined : await keyOf(path);
    if (key !== undefined) paths.set(key, path);
  }
  return paths;
}

/** Files that are there now: where, and whose present name is on the platter: a rename is whole or not at all. */
interface Present {
  readonly alive: ReadonlyMap<string, string>;
  readonly moved: ReadonlySet<string>;
}

async function cutDirectory(
  { root, notes }: Platter,
  directory: string,
  random: () => number,
  present: Present,
): Promise<void> {
  const { alive, moved } = present;
  const now = await namesIn(directory);
  const safe = await readNames(notes, directory);
  const left = new Map<string, Content>();
  for (const name of new Set([...Object.keys(now), ...Object.keys(safe)])) {
    const path = join(directory, name);
    // Both the same: it is there. Otherwise either may have reached the platter.
    const before = moved.has(safe[name] ?? '') ? undefined : safe[name];
    const key = now[name] === safe[name] || random() < 0.5 ? now[name] : before;
    if (key === DIRECTORY) {
      await mkdir(path, { recursive: true });
      await cutDirectory({ root, notes }, path, random, present);
    } else if (key === undefined) await rm(path, { recursive: true, force: true });
    else {
      const synced = await contentOf(join(notes, key));
      const written = await contentOf(alive.get(key) ?? '');
      if (now[name] !== key || !isSame(synced, written)) left.set(path, survivor(synced, written, random));
    }
  }
  // Contents are read before any is written: a file may have been renamed.
  for (const [path, { bytes, modified }] of left) {
    await rm(path, { recursive: true, force: true });
    await writeFile(path, bytes, { mode: 0o600 });
    await utimes(path, modified, modified);
  }
}

const isSame = (one: Content | undefined, other: Content | undefined): boolean =>
  one !== undefined && other !== undefined && one.bytes.equals(other.bytes);

function survivor(synced: Content | undefined, written: Content | undefined, random: () => number): Content {
  const least = synced ?? { bytes: Buffer.alloc(0), modified: written?.modified ?? new Date(0) };
  if (!written || written.bytes.length <= least.bytes.length) return least;
  const more = written.bytes.subarray(least.bytes.length);
  const part = Buffer.from(more.subarray(0, Math.floor(random() * (more.length + 1))));
  // A size can reach the platter before the bytes do.
  if (random() < 0.2) part.fill(0);
  return { bytes: Buffer.concat([least.bytes, part]), modified: written.modified };
}

type Names = Readonly<Record<string, string>>;

async function namesIn(directory: string): Promise<Names> {
  const names: Record<string, string> = {};
  for (const name of await readdir(directory).catch(() => [])) {
    if (isDatabase(name)) continue;
    const key = await keyOf(join(directory, name));
    if (key !== undefined) names[name] = key;
  }
  return names;
}

/** A file itself, whatever it is called. */
async function keyOf(path: string): Promise<string | undefined> {
  const stats = await lstat(path, { bigint: true }).catch(() => undefined); // it went meanwhile
  if (!stats || stats.isSocket()) return undefined;
  return stats.isDirectory() ? DIRECTORY : `${stats.ino}-${stats.birthtimeNs}`;
}

async function noteContent(notes: string, path: string): Promise<void> {
  const key = await keyOf(path);
  const stats = await lstat(path).catch(() => undefined);
  if (key === undefined || !stats) return;
  await put(notes, key, (temporary) => copyFile(path, temporary));
  await utimes(join(notes, key), stats.mtime, stats.mtime);
}

async function noteNames(notes: string, directory: string): Promise<void> {
  const names = JSON.stringify(await namesIn(directory));
  await put(notes, noteOf(directory), (temporary) => writeFile(temporary, names));
}

/** The old note or the new one, wherever the process ends. */
async function put(notes: string, name: string, write: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = join(notes, `${name}.${process.pid}.${temporaries++}`);
  await write(temporary);
  await rename(temporary, join(notes, name));
}

async function readNames(notes: string, directory: string): Promise<Names> {
  return JSON.parse(await readFile(join(notes, noteOf(directory)), 'utf8').catch(() => '{}')) as Names;
}

const noteOf = (directory: string) => `names-${createHash('sha256').update(directory).digest('hex')}`;

async function contentOf(path: string): Promise<Content | undefined> {
  try {
    return { bytes: await readFile(path), modified: (await lstat(path)).mtime };
  } catch {
    return undefined; // never synced, or gone
  }
}

async function below(root: string): Promise<{ path: string; isDirectory: boolean }[]> {
  const entries = await readdir(root, { withFileTypes: true, recursive: true });
  return [
    { path: root, isDirectory: true },
    ...entries
      .filter((entry) => (entry.isFile() || entry.isDirectory()) && !isDatabase(entry.name))
      .map((entry) => ({ path: join(entry.parentPath, entry.name), isDirectory: entry.isDirectory() })),
  ].filter(({ path }) => !isDatabase(dirname(path)));
}
