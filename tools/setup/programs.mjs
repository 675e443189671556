// Programs of the system that Perch or its tests run. Installed where that is allowed, else the command to type is
// printed. Node 18 must be able to read this file.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { run, SetUpError } from './node.mjs';

/** Each program, what it is for, the service that Debian starts with it, and the package that has it, by package manager. */
const known = {
  ffmpeg: {
    for: 'the demo, and every test with real media',
    packages: { 'apt-get': 'ffmpeg', dnf: 'ffmpeg', apk: 'ffmpeg', pacman: 'ffmpeg', brew: 'ffmpeg' },
  },
  chromium: {
    for: 'the tests in a real browser',
    packages: { 'apt-get': 'chromium', dnf: 'chromium', apk: 'chromium', pacman: 'chromium' },
  },
  tsreport: { for: 'the judgement of transport streams', packages: { 'apt-get': 'tstools' } },
  nginx: {
    for: 'the tests of a relay behind a proxy',
    service: 'nginx',
    packages: { 'apt-get': 'nginx-light', dnf: 'nginx', apk: 'nginx', pacman: 'nginx', brew: 'nginx' },
  },
  caddy: {
    for: 'the tests of a relay behind a proxy',
    service: 'caddy',
    packages: { 'apt-get': 'caddy', dnf: 'caddy', apk: 'caddy', pacman: 'caddy', brew: 'caddy' },
  },
  postgres: {
    for: "the tests of the relay's storage on PostgreSQL",
    service: 'postgresql',
    packages: {
      'apt-get': 'postgresql',
      dnf: 'postgresql-server',
      apk: 'postgresql',
      pacman: 'postgresql',
      brew: 'postgresql',
    },
  },
  pebble: {
    for: 'the tests of certificates by ACME',
    packages: { 'apt-get': 'pebble' },
  },
  openssl: {
    for: "the judgement of the relay's certificates",
    packages: { 'apt-get': 'openssl', dnf: 'openssl', apk: 'openssl', pacman: 'openssl', brew: 'openssl' },
  },
  certutil: {
    for: "the test of a browser that trusts the relay's own authority",
    packages: { 'apt-get': 'libnss3-tools', dnf: 'nss-tools', apk: 'nss-tools', pacman: 'nss', brew: 'nss' },
  },
  curl: {
    for: "the older programs' documented command lines",
    packages: { 'apt-get': 'curl', dnf: 'curl', apk: 'curl', pacman: 'curl', brew: 'curl' },
  },
  python3: {
    for: "camera programs' documented lines, and the judgement of archives",
    packages: { 'apt-get': 'python3', dnf: 'python3', apk: 'python3', pacman: 'python', brew: 'python' },
  },
  motion: {
    for: "the test of the recipe for Debian's motion",
    service: 'motion',
    packages: { 'apt-get': 'motion', brew: 'motion' },
  },
  git: {
    for: 'the test of a fresh clone',
    packages: { 'apt-get': 'git', dnf: 'git', apk: 'git', pacman: 'git', brew: 'git' },
  },
};

/** What the commands need. */
export const programsForDemo = ['ffmpeg'];
export const programsForTests = Object.keys(known);

/** How each package manager is told to install; only Debian's is run by us, the others are printed. */
const managers = {
  'apt-get': ['apt-get', 'install', '-y', '--no-install-recommends'],
  dnf: ['dnf', 'install', '-y'],
  apk: ['apk', 'add'],
  pacman: ['pacman', '-S', '--noconfirm'],
  brew: ['brew', 'install'],
};

/** Whether a program is on the PATH. Servers live in sbin, which an ordinary user's PATH often lacks. */
export function isThere(program, searchPath = process.env.PATH ?? '') {
  const further = [
    '/usr/local/sbin',
    '/usr/sbin',
    '/sbin',
    ...(program === 'postgres' ? debianPostgres() : []),
  ];
  return [...searchPath.split(path.delimiter), ...further].some((directory) => {
    if (directory === '') return false;
    try {
      accessSync(path.join(directory, program), constants.X_OK);
      return true;
    } catch {
      return false; // not here: the next directory
    }
  });
}

/** Debian keeps each version of PostgreSQL in a directory of its own, off the PATH. */
function debianPostgres() {
  const place = '/usr/lib/postgresql';
  try {
    return readdirSync(place).map((version) => path.join(place, version, 'bin'));
  } catch {
    return []; // none is installed, or this is no Debian
  }
}

/**
 * What a person must type to get these programs, and what has no package here.
 *
 * @returns `{ command, packages, unknown }`; `command` is undefined where no package manager is known.
 */
export function howToGet(programs, manager) {
  const packages = [];
  const unknown = [];
  for (const program of programs) {
    const name = manager && known[program].packages[manager];
    if (name) packages.push(name);
    else unknown.push(program);
  }
  const command = packages.length > 0 ? [...managers[manager], ...packages] : undefined;
  return { command, packages, unknown };
}

/** Installs the programs that are missing, or throws a SetUpError with the command to type. */
export async function installPrograms(programs) {
  const missing = programs.filter((program) => !isThere(program));
  if (missing.length === 0) return;
  const manager = Object.keys(managers).find((name) => isThere(name));
  const { command, unknown } = howToGet(missing, manager);
  if (manager === 'apt-get' && command && unknown.length === 0 && (await installWithApt(command))) {
    await endServices(missing);
    return;
  }
  throw new SetUpError(describe(missing, manager, command, unknown));
}

function describe(missing, manager, command, unknown) {
  const lines = ['These programs are missing:'];
  for (const program of missing) lines.push(`  ${program}: for ${known[program].for}`);
  const mayNot = process.getuid?.() !== 0 && manager !== 'brew' ? 'sudo ' : '';
  if (command) lines.push('Install them and run this again:', `  ${mayNot}${command.join(' ')}`);
  if (unknown.length > 0)
    lines.push(`No package is known here for: ${unknown.join(', ')}. Install them by hand.`);
  return lines.join('\n');
}

const isRoot = () => process.getuid?.() === 0;
const asRoot = () => (isRoot() ? [] : ['sudo', '-n']);

/** @returns whether all went well; the reason, if not, is on the screen. */
async function installWithApt(command) {
  if (!isRoot() && spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status !== 0) return false;
  const prefix = asRoot();
  // apt asks no question, and the set-up's standard output stays clean.
  const apt = [...prefix, 'env', 'DEBIAN_FRONTEND=noninteractive'];
  const options = { stdio: ['ignore', process.stderr, process.stderr] };
  console.error(`perch: installing ${command.slice(managers['apt-get'].length).join(', ')} …`);
  if ((await run([...apt, ...command], options)) === 0) return true;
  // The lists are absent on a new machine, or old.
  if ((await run([...apt, 'apt-get', 'update'], options)) !== 0) return false;
  return (await run([...apt, ...command], options)) === 0;
}

/** The command that ends what Debian started with these programs, and would start again with the machine. */
export function howToEnd(programs) {
  const services = programs
    .map((program) => known[program].service)
    .filter((service) => service !== undefined);
  return services.length > 0 ? ['systemctl', 'disable', '--now', ...services] : undefined;
}

/** Nobody asked for a web server, or for a camera that films: the tests start their own. */
async function endServices(programs) {
  const command = howToEnd(programs);
  if (!command || !existsSync('/run/systemd/system')) return;
  const options = { stdio: ['ignore', process.stderr, process.stderr] };
  if ((await run([...asRoot(), ...command], options)) !== 0)
    console.error(`perch: services still run that nobody asked for. End them with: ${command.join(' ')}`);
}
