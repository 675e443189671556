// Which room may use which, and what else keeps the rooms apart. `npm run check` runs it; a directory given as the
// argument is checked in place of this repository.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { cycles } from './check/cycles.ts';
import { dependencyProblems } from './check/dependencies.ts';
import { importsOf } from './check/imports.ts';

/** The arrows of ARCHITECTURE.md. */
const arrows: Readonly<Record<string, readonly string[]>> = {
  runtime: [],
  mpegts: [],
  protocol: ['runtime'],
  hub: ['runtime'],
  client: ['protocol', 'runtime'],
  agent: ['client', 'hub', 'protocol', 'mpegts', 'runtime'],
  relay: ['client', 'hub', 'protocol', 'mpegts', 'runtime'],
  player: ['client', 'mpegts', 'protocol', 'runtime'],
  app: ['player', 'client', 'protocol'],
  cli: ['agent', 'relay', 'client', 'hub', 'protocol', 'mpegts', 'runtime'],
  testkit: ['runtime', 'mpegts', 'protocol'],
};

/** Rooms that see neither Node nor any package from npm. */
const pure = ['runtime', 'mpegts', 'protocol', 'hub', 'client'];
/** Rooms that run in a browser. */
const browser = [...pure, 'player', 'app'];

interface SourceFile {
  /** From the root, with slashes. */
  readonly name: string;
  /** The room it lies in; none for test/, bench/ and tools/. */
  readonly room: string | undefined;
  readonly isTest: boolean;
  readonly imports: readonly string[];
}

const root = path.resolve(process.argv[2] ?? path.join(import.meta.dirname, '..'));
const files = sourceFiles();
const problems = [
  ...[...new Set(files.map(({ room }) => room))]
    .filter((room) => room !== undefined && !arrows[room])
    .map(
      (room) => `packages/${room}: a room that tools/check-arrows.ts does not know. Give it a line there.`,
    ),
  ...files.flatMap(importProblems),
  ...cycles(
    new Map(files.map((file) => [file.name, file.imports.flatMap((to) => relativeImport(file, to))])),
  ).map((cycle) => `${cycle.join(' → ')}: a cycle. Move what both need into a file of its own.`),
  ...dependencyProblems(root, arrows, files),
];
for (const problem of problems) console.error(problem);
if (problems.length > 0) {
  console.error(
    `\n${problems.length} forbidden arrow(s). ARCHITECTURE.md, "Rooms and arrows", says which are allowed.`,
  );
  process.exitCode = 1;
}

function sourceFiles(): SourceFile[] {
  return ['packages', 'test', 'bench', 'tools', 'examples'].flatMap((directory) => {
    if (!existsSync(path.join(root, directory))) return [];
    return readdirSync(path.join(root, directory), { recursive: true, encoding: 'utf8' })
      .map((file) => path.posix.join(directory, file.split(path.sep).join('/')))
      .filter((name) => /\.(ts|tsx|mts|mjs|js)$/.test(name) && !name.includes('node_modules/'))
      .map((name) => {
        const room = /^packages\/([^/]+)\//.exec(name)?.[1];
        const isTest =
          room === undefined ? !name.startsWith('tools/') : /\.test\.tsx?$|\/testing\//.test(name);
        return { name, room, isTest, imports: importsOf(readFileSync(path.join(root, name), 'utf8')) };
      });
  });
}

function importProblems(file: SourceFile): string[] {
  const { room, isTest } = file;
  if (room === undefined) return [];
  const allowed = arrows[room];
  if (!allowed) return [];
  return file.imports.flatMap((to) => {
    const problem = (words: string) => [`${file.name} imports ${to}: ${words}`];
    const other = /^@perch\/([^/]+)/.exec(to)?.[1] ?? reachedRoom(file, to);
    if (other !== undefined && other !== room) {
      if (other === 'testkit') return isTest ? [] : problem('testkit is for tests only.');
      if (!to.startsWith('@')) return problem(`a room is entered by its name, @perch/${other}.`);
      if (to !== `@perch/${other}`) return problem(`a room has one door, @perch/${other}.`);
      // A build script may use another room's build script; tests may use what their subject may.
      if (!allowed.includes(other)) return problem(`${room} may not use ${other}.`);
      return [];
    }
    if (isTest || !file.name.includes('/src/')) return [];
    if (to.startsWith('node:') && browser.includes(room)) return problem(`${room} must run in a browser.`);
    if (!to.startsWith('.') && !to.startsWith('node:') && other === undefined && pure.includes(room)) {
      return problem(`${room} uses no package from npm.`);
    }
    return [];
  });
}

/** The room that a relative import ends in, if that is a room. */
function reachedRoom(file: SourceFile, to: string): string | undefined {
  if (!to.startsWith('.') || !file.name.includes('/src/')) return undefined;
  return /^packages\/([^/]+)\//.exec(path.posix.join(path.posix.dirname(file.name), to))?.[1];
}

function relativeImport(file: SourceFile, to: string): string[] {
  return to.startsWith('.') ? [path.posix.join(path.posix.dirname(file.name), to)] : [];
}
