import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const from = (place: string) => fileURLToPath(new URL(place, import.meta.url));

/** The built web files, beside the bundle or, when run from the source, in the repository. Undefined before a build. */
export function webRoot(): string | undefined {
  return [from('./web'), from('../../../dist/web')].find((place) => existsSync(join(place, 'index.html')));
}

/** The repository, where this runs in one and not from an installed package. */
export function repository(): string | undefined {
  return [from('..'), from('../../..')].find((place) => existsSync(join(place, 'bench')));
}

/** Where state lives unless something else is said: `$XDG_STATE_HOME/perch`. */
export function defaultData(env: NodeJS.ProcessEnv = process.env): string {
  return join(env.XDG_STATE_HOME || join(homedir(), '.local', 'state'), 'perch');
}
