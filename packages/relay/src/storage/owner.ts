import { chownSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Gives a file that was just made to the owner of its directory, where root made it: `sudo perch token create` must not
 * leave files that the relay's own user cannot read.
 */
export function giveToOwnerOfDirectory(file: string): void {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = statSync(dirname(file));
  if (uid !== 0) chownSync(file, uid, gid);
}
