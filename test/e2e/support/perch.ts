import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Launched, launch } from '@perch/testkit';

const main = join(import.meta.dirname, '../../../packages/cli/src/main.ts');
const run = promisify(execFile);

/** Starts `perch` with `--json` from the source. @returns the process, and what it says when it is ready. */
export async function startPerch<T>(args: readonly string[], env: NodeJS.ProcessEnv = process.env) {
  const launched: Launched = await launch({
    command: [process.execPath, main, ...args, '--json'],
    env,
    readyWhen: /"event":"ready".*\n/,
  });
  const line = launched
    .output()
    .split('\n')
    .find((text) => text.includes('"event":"ready"'));
  return { launched, ready: JSON.parse(line ?? '') as T, [Symbol.asyncDispose]: () => launched.close() };
}

/** Runs `perch` to its end. Rejects with what it printed where that is not 0. */
export async function perch(
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<{ stdout: string; stderr: string }> {
  return run(process.execPath, [main, ...args], { env });
}

/**
 * Resolves when a program has said so. Of its two outputs either is heard first, whichever it wrote to first: who waited
 * for a line of one knows nothing of the other.
 */
export function says({ process: child, output, exited }: Launched, words: RegExp): Promise<void> {
  return new Promise((resolve, reject) => {
    const look = () => words.test(output()) && resolve();
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', look);
    void exited.then((code) =>
      reject(new Error(`it ended with ${code} and never said ${words}:\n${output()}`)),
    );
    look();
  });
}
