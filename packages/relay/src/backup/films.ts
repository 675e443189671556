import { constants } from 'node:fs';
import { copyFile, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** What was copied; `already`: what was there from an earlier time, of the same name and size. */
export interface CopiedFilms {
  readonly files: number;
  readonly bytes: number;
  readonly already: number;
}

/**
 * Copies films as they came, segment by segment, from one directory to another, also while the relay runs. A segment never
 * changes, and its name has its hash: what is there already is not copied again, so the next backup to the same directory
 * is a short one. What the relay has deleted since stays. When this resolves all is on the disk.
 *
 * @param from such as `captures/films` of a relay's directory: devices, in these captures, in these files.
 */
export async function copyFilms(from: string, to: string): Promise<CopiedFilms> {
  const copied = { files: 0, bytes: 0, already: 0 };
  for (const device of await namesIn(from)) {
    for (const capture of await namesIn(join(from, device))) {
      const [source, target] = [join(from, device, capture), join(to, device, capture)];
      let hasNew = false;
      for (const name of await namesIn(source, 'files')) {
        const bytes = await copyOne(join(source, name), target, name);
        if (bytes === undefined) continue;
        if (bytes === 0) copied.already++;
        else {
          hasNew = true;
          copied.files++;
          copied.bytes += bytes;
        }
      }
      if (hasNew) for (const directory of [target, join(to, device), to]) await sync(directory);
    }
  }
  return copied;
}

/** @returns bytes that were copied, 0: it was there. `undefined`: it was deleted meanwhile. */
async function copyOne(source: string, directory: string, name: string): Promise<number | undefined> {
  const facts = await stat(source).catch(unlessGone);
  if (!facts) return undefined;
  const target = join(directory, name);
  const known = await stat(target).catch(unlessGone);
  if (known?.size === facts.size) return 0;
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const arriving = `${target}.new`;
  try {
    await copyFile(source, arriving, constants.COPYFILE_FICLONE);
  } catch (error) {
    await rm(arriving, { force: true });
    return unlessGone(error);
  }
  await sync(arriving);
  await rename(arriving, target);
  return facts.size;
}

/** Names of directories, or of files. What is neither is passed over: no link leads out. */
async function namesIn(directory: string, what: 'directories' | 'files' = 'directories'): Promise<string[]> {
  const entries = (await readdir(directory, { withFileTypes: true }).catch(unlessGone)) ?? [];
  return entries
    .filter((entry) =>
      what === 'files' ? entry.isFile() && !entry.name.endsWith('.new') : entry.isDirectory(),
    )
    .map(({ name }) => name)
    .sort();
}

function unlessGone(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  return undefined;
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
