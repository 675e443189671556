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
