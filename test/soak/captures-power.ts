// Loaded before a real `perch` (node --import): its disk notes what it has synced, instead of syncing it, and the process
// ends itself at the operation number SOAK_DIE_AT of its disk or database, in the midst of it where it is a write.
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { threadId } from 'node:worker_threads';
import { noteSynced } from './captures-platter.ts';

const { SOAK_PLATTER = '', SOAK_DIE_AT = '', SOAK_BOOT = '' } = process.env;
const platter = JSON.parse(SOAK_PLATTER) as { root: string; notes: string };
const dieAt = SOAK_DIE_AT === '' ? Number.POSITIVE_INFINITY : Number(SOAK_DIE_AT);
const load = createRequire(import.meta.url);
let operations = 0;
/** One note after the other: a later one knows all that an earlier one knew. */
let noting: Promise<void> = Promise.resolve();

/** @returns whether it is time. */
const step = (): boolean => ++operations === dieAt;
function die(): void {
  process.kill(process.pid, 'SIGKILL');
}

type Call = (this: unknown, ...args: unknown[]) => unknown;
/** Puts something in the place of a method, which it may call. */
function instead(owner: object, name: string, make: (real: Call) => Call): void {
  const methods = owner as Record<string, Call>;
  methods[name] = make(methods[name] as Call);
}

if (threadId === 0) {
  const promises = load('node:fs/promises') as typeof import('node:fs/promises');
  for (const name of ['rename', 'link', 'unlink', 'rm', 'mkdir']) {
    instead(promises, name, (real) => async (...args) => {
      if (step()) die();
      const result = await real(...args);
      if (step()) die();
      return result;
    });
  }
  // random(4): another one after each power cut.
  instead(
    promises,
    'readFile',
    (real) =>
      async (path, ...rest) =>
        path === '/proc/sys/kernel/random/boot_id' ? SOAK_BOOT : real(path, ...rest),
  );
  const handle = await promises.open('/dev/null');
  const files = Object.getPrototypeOf(handle) as object;
  await handle.close();
  instead(
    files,
    'sync',
    () =>
      async function (this: unknown) {
        if (step()) die();
        noting = noting.then(() => noteSynced(platter, (this as { fd: number }).fd));
        await noting;
        if (step()) die();
      },
  );
  for (const name of ['write', 'writev']) {
    instead(
      files,
      name,
      (real) =>
        async function (this: unknown, ...args) {
          if (step()) {
            // Half of it.
            if (name === 'write') {
              const [bytes, at, length, ...rest] = args as [Uint8Array, number, number];
              await real.call(this, bytes, at, length >> 1, ...rest);
            }
            die();
          }
          return real.call(this, ...args);
        },
    );
  }
  syncBuiltinESMExports();
} else {
  // The database's thread: before and after each statement that changes something, commits above all.
  const { DatabaseSync, StatementSync } = load('node:sqlite') as typeof import('node:sqlite');
  for (const [owner, name] of [
    [DatabaseSync.prototype, 'exec'],
    [StatementSync.prototype, 'run'],
    [StatementSync.prototype, 'all'],
  ] as const) {
    instead(
      owner,
      name,
      (real) =>
        function (this: unknown, ...args) {
          if (step()) die();
          const result = real.call(this, ...args);
          if (step()) die();
          return result;
        },
    );
  }
}
