import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

/** One half of the clapperboard, running. */
export interface ClapHalf extends AsyncDisposable {
  /** Kills its encoder as a crash would. */
  kill(): Promise<void>;
}

/** Starts one half: pictures that flash, or sound that beeps, encoded to an address. */
export function startClap(half: 'picture' | 'beep', url: string, encoder: readonly string[]): ClapHalf {
  const program = path.join(import.meta.dirname, 'clap-source.ts');
  const child = spawn(process.execPath, [program, half, url, '--', ...encoder], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  return { kill: () => end(child, 'SIGTERM'), [Symbol.asyncDispose]: () => end(child, 'SIGTERM') };
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill(signal);
  await gone;
}
