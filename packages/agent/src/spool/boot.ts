import { readFile } from 'node:fs/promises';

/**
 * What tells one run of this machine's kernel from another (random(4), `boot_id`). As long as it is the same, what was
 * written is there, synced or not. `undefined` where the system has no such name.
 */
export async function thisBoot(): Promise<string | undefined> {
  try {
    return (await readFile('/proc/sys/kernel/random/boot_id', 'latin1')).trim();
  } catch {
    return undefined; // not Linux
  }
}
