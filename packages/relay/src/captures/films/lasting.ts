import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

// What is made of films is not synced, since it can be made again: so it must not be believed after a power cut, nor
// written by two relays: ffmpeg goes on for a while when the relay that started it was killed.

const RUN = randomBytes(4).toString('hex');
const NOTE = 'boot';

/** Where to make a file that gets its name when it is whole: a name that no other run of the relay uses. */
export const newNameOf = (path: string): string => `${path}.${RUN}.new`;

/**
 * Throws away all that was made before the machine was started the last time: what was not on the disk when the power
 * failed may hold anything. Where the system does not tell (random(4), `boot_id`), all that was made before.
 */
export async function dropTorn(directory: string): Promise<void> {
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'latin1').catch(() => undefined);
  const before = await readFile(join(directory, NOTE), 'latin1').catch(() => '');
  if (boot !== undefined && before === boot) return;
  for (const name of await readdir(directory).catch(() => []))
    await rm(join(directory, name), { recursive: true, force: true });
  await mkdir(directory, { recursive: true, mode: 0o700 });
  if (boot !== undefined) await writeFile(join(directory, NOTE), boot, { mode: 0o600 });
}
