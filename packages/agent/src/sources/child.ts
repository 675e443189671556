import { existsSync } from 'node:fs';
import { systemCode } from '../errors.ts';

/** Node cannot ask the kernel to end a child with its parent; util-linux can. */
export function withParentDeath(command: readonly string[]): readonly string[] {
  const setpriv = ['/usr/bin/setpriv', '/bin/setpriv'].find((path) => existsSync(path));
  return setpriv ? [setpriv, '--pdeathsig', 'KILL', '--', ...command] : command;
}

/** Why a program could not be started, and what to do. */
export function startError(program: string, error: Error): string {
  if (systemCode(error) === 'ENOENT')
    return `${program} is not installed: install it (Debian: apt install ${program})`;
  return `${program} could not be started: ${error.message}`;
}
