import {
  copyFile,
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { disk, type Files, type OpenFile } from '../files.ts';

/** A repeatable source of numbers in [0, 1) (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Where a {@link PowerCutFiles} works, and where it notes what has reached the platter. */
export interface PowerCutPlaces {
  /** The one directory whose files can be lost. */
  readonly directory: string;
  readonly platter: string;
}

/**
 * A disk that remembers what was synced: contents by `sync`, names by `syncDirectory`. It ends the process at the
 * operation number `dieAt`, in the midst of it where it is a write. {@link cutPower} then leaves what a real disk might.
 */
export function powerCutFiles({ directory, platter }: PowerCutPlaces, dieAt: number): Files {
  let operations = 0;
  /** Where each open file is now, as a rename moves it. */
  const opened = new Set<{ path: string }>();
  const step = async (midst?: () => Promise<unknown>) => {
    if (++operations < dieAt) return;
    await midst?.();
    process.kill(process.pid, 'SIGKILL');
    await new Promise(() => undefined);
  };
  const wrap = (path: string, file: OpenFile): OpenFile => {
    const place = { path };
    opened.add(place);
    return {
      read: (into, position) => file.read(into, position),
      write: async (bytes, position) => {
        await step(() => file.write(bytes.subarray(0, bytes.length >> 1), position));
        await file.write(bytes, position);
      },
      truncate: async (size) => {
        await step();
        await file.truncate(size);
      },
      sync: async () => {
        await step();
        await note(platter, place.path);
        await step();
      },
      facts: () => file.facts(),
      close: () => {
        opened.delete(place);
        return file.close();
      },
    };
  };
  return {
    ...disk,
    read: async (path) => wrap(path, await disk.read(path)),
    write: async (path, options) => {
      await step();
      return wrap(path, await disk.write(path, options));
    },
    link: async (from, to) => {
      await step();
      await disk.link(from, to);
      await step();
    },
    rename: async (from, to) => {
      await step();
      await disk.rename(from, to);
      for (const place of opened) if (place.path === from) place.path = to;
      await step();
    },
    remove: async (path) => {
      await step();
      await disk.remove(path);
      await step();
    },
    syncDirectory: async (path) => {
      await step();
      if (path === directory) await noteNames({ directory, platter });
      await step();
    },
  };
}

/**
 * The power is cut: what was synced is there; what was not is there, or not, or in part, as `random` says. The process
 * that used the directory must be gone. Afterwards all that is left is on the platter.
 */
export async function cutPower(places: PowerCutPlaces, random: () => number): Promise<void> {
  const { directory, platter } = places;
  const now = await namesIn(directory);
  const safe = await readNames(platter);
  const files: { name: string; content: Buffer; modified: number }[] = [];
  for (const name of new Set([...Object.keys(now), ...Object.keys(safe)])) {
    const keys = [now[name], safe[name]];
    // Both the same: it is there. Otherwise either may have reached the platter.
    const key = keys[0] === keys[1] ? keys[0] : keys[random() < 0.5 ? 0 : 1];
    if (key === undefined) continue;
    const synced = await contentOf(join(platter, key));
    const alive = Object.keys(now).find((other) => now[other] === key);
    const written = alive === undefined ? undefined : await contentOf(join(directory, alive));
    files.push({ name, ...survivor(synced, written, random) });
  }
  await rm(directory, { recursive: true });
  await rm(platter, { recursive: true, force: true });
  await mkdir(directory);
  await mkdir(platter);
  for (const { name, content, modified } of files) {
    await writeFile(join(directory, name), content);
    await utimes(join(directory, name), modified / 1000, modified / 1000);
    await note(platter, join(directory, name));
  }
  await noteNames(places);
}

interface Content {
  readonly content: Buffer;
  readonly modified: number;
}

function survivor(synced: Content | undefined, written: Content | undefined, random: () => number): Content {
  const least = synced ?? { content: Buffer.alloc(0), modified: written?.modified ?? 0 };
  if (!written || written.content.length <= least.content.length) return least;
  const more = written.content.subarray(least.content.length);
  const part = Buffer.from(more.subarray(0, Math.floor(random() * (more.length + 1))));
  // A size can reach the platter before the bytes do.
  if (random() < 0.2) part.fill(0);
  return { content: Buffer.concat([least.content, part]), modified: written.modified };
}

const NAMES = 'names.json';
type Names = Readonly<Record<string, string>>;

async function namesIn(directory: string): Promise<Names> {
  const names: Record<string, string> = {};
  for (const name of await readdir(directory).catch(() => [])) {
    const key = await keyOf(join(directory, name));
    if (key !== undefined) names[name] = key;
  }
  return names;
}

/** A file itself, whatever it is called. */
async function keyOf(path: string): Promise<string | undefined> {
  try {
    const { ino, birthtimeNs } = await lstat(path, { bigint: true });
    return `${ino}-${birthtimeNs}`;
  } catch {
    return undefined; // it went meanwhile
  }
}

/** What a file holds now has reached the platter; the old content or the new one, wherever the process ends. */
async function note(platter: string, path: string): Promise<void> {
  await mkdir(platter, { recursive: true });
  const key = await keyOf(path);
  if (key === undefined) return;
  const { mtimeMs } = await lstat(path);
  const temporary = join(platter, `${key}.${process.pid}.${temporaries++}`);
  await copyFile(path, temporary);
  await utimes(temporary, mtimeMs / 1000, mtimeMs / 1000);
  await rename(temporary, join(platter, key));
}
let temporaries = 0;

async function noteNames({ directory, platter }: PowerCutPlaces): Promise<void> {
  await mkdir(platter, { recursive: true });
  const temporary = join(platter, `names.${process.pid}.${temporaries++}`);
  const file = await open(temporary, 'w');
  await file.writeFile(JSON.stringify(await namesIn(directory)));
  await file.close();
  await rename(temporary, join(platter, NAMES));
}

async function readNames(platter: string): Promise<Names> {
  const text = await readFile(join(platter, NAMES), 'utf8').catch(() => '{}');
  return JSON.parse(text) as Names;
}

async function contentOf(path: string): Promise<Content | undefined> {
  try {
    return { content: await readFile(path), modified: Math.floor((await lstat(path)).mtimeMs) };
  } catch {
    return undefined; // never synced
  }
}
