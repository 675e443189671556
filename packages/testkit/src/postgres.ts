import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { freePort, launch } from './launch.ts';

/** A PostgreSQL that a test has started. It ends when it is closed or disposed. */
export interface TestPostgres extends AsyncDisposable {
  /** Makes an empty database. @returns its address, with the password. */
  createDatabase(): string;
  /** Ends the server and removes its files. Idempotent. */
  close(): Promise<void>;
}

/** Root may not run PostgreSQL; then `nobody` does. */
const NOBODY = { uid: 65_534, gid: 65_534 };

/** Starts a real PostgreSQL on a free port of loopback, in a directory of its own under the system's temporary one. */
export async function startPostgres(): Promise<TestPostgres> {
  const directory = mkdtempSync(join(tmpdir(), 'perch-pg-'));
  const user = process.getuid?.() === 0 ? NOBODY : undefined;
  const remove = () => rmSync(directory, { recursive: true, force: true });
  try {
    const password = randomBytes(16).toString('hex');
    const passwordFile = join(directory, 'password');
    writeFileSync(passwordFile, password);
    for (const path of [directory, passwordFile]) if (user) chownSync(path, user.uid, user.gid);
    const data = join(directory, 'data');
    const initdb = ['--no-sync', '--encoding=UTF8', '--locale=C', '--auth=scram-sha-256', '--username=perch'];
    execFileSync(program('initdb'), [...initdb, `--pwfile=${passwordFile}`, `--pgdata=${data}`], {
      ...user,
      cwd: directory,
      stdio: 'pipe',
    });
    const port = await freePort();
    const settings = ['listen_addresses=127.0.0.1', `unix_socket_directories=${directory}`, 'fsync=off'];
    const server = await launch({
      command: [
        program('postgres'),
        ...['-D', data, '-p', String(port)],
        ...settings.flatMap((setting) => ['-c', setting]),
      ],
      cwd: directory,
      ...user,
      readyWhen: /ready to accept connections/,
    });
    const close = async () => {
      // "Fast" shutdown: whoever is connected is thrown out.
      await server.close('SIGINT');
      remove();
    };
    let made = 0;
    return {
      createDatabase() {
        const name = `test${++made}`;
        execFileSync(program('createdb'), ['-h', '127.0.0.1', '-p', String(port), '-U', 'perch', name], {
          env: { ...process.env, PGPASSWORD: password },
          stdio: 'pipe',
        });
        return `postgres://perch:${password}@127.0.0.1:${port}/${name}`;
      },
      close,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    remove();
    throw error;
  }
}

/** Debian keeps the server's programs off the PATH, a directory for each version; the newest is taken. */
function program(name: string): string {
  const place = '/usr/lib/postgresql';
  const versions = read(place).sort((a, b) => Number(b) - Number(a));
  const directories = [
    ...versions.map((version) => join(place, version, 'bin')),
    ...(process.env.PATH ?? '').split(delimiter),
  ];
  const found = directories.find((directory) => read(directory).includes(name));
  if (found === undefined) throw new Error(`${name} of PostgreSQL is not installed: run "npm test" once`);
  return join(found, name);
}

function read(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return []; // not there
  }
}
