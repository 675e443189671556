import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { realpath } from 'node:fs/promises';
import { createServer } from 'node:net';
import { SpoolError } from './errors.ts';

/** A directory that is ours alone until this is closed. */
export interface Claim {
  close(): Promise<void>;
}

/**
 * Claims a directory for this process: a name in Linux's abstract socket namespace, which the kernel takes back however
 * the process ends. On other systems nothing is claimed.
 *
 * @throws {SpoolError} `spool-in-use` where another process, or another part of this one, has it.
 */
export async function claim(directory: string): Promise<Claim> {
  if (process.platform !== 'linux') return { close: () => Promise.resolve() };
  const name = createHash('sha256')
    .update(await realpath(directory))
    .digest('hex')
    .slice(0, 32);
  const server = createServer((socket) => socket.destroy());
  try {
    await Promise.all([
      once(server, 'listening'),
      Promise.resolve(server.listen({ path: `\0perch-spool-${name}` })),
    ]);
  } catch (cause) {
    throw new SpoolError(
      'spool-in-use',
      `another agent keeps its films in ${directory}: stop it, or choose another directory with --data`,
      { cause },
    );
  }
  server.unref();
  return {
    close: async () => {
      if (server.listening) await new Promise((resolve) => server.close(resolve));
    },
  };
}
