import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Whether a program is on the PATH. */
export function isInstalled(program: string, env: NodeJS.ProcessEnv): boolean {
  return (env.PATH ?? '').split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK);
      return directory !== '';
    } catch {
      return false; // not here: the next directory
    }
  });
}

const managers = [
  { program: 'apt-get', command: 'apt-get install' },
  { program: 'dnf', command: 'dnf install' },
  { program: 'apk', command: 'apk add' },
  { program: 'pacman', command: 'pacman -S' },
  { program: 'brew', command: 'brew install' },
] as const;

/** What to type to install packages on this machine. */
export function howToInstall(packages: readonly string[], env: NodeJS.ProcessEnv = process.env): string {
  const manager = managers.find(({ program }) => isInstalled(program, env));
  if (!manager) return `Install ${packages.join(', ')} with this system's package manager.`;
  const sudo = process.getuid?.() === 0 || manager.program === 'brew' ? '' : 'sudo ';
  return `Type: ${sudo}${manager.command} ${packages.join(' ')}`;
}
