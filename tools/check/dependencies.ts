import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

interface Importer {
  readonly name: string;
  readonly room: string | undefined;
  readonly isTest: boolean;
  readonly imports: readonly string[];
}

/**
 * What the package.json files and the imports disagree about: an import that nothing declares, a dependency that the
 * arrows forbid, a version that is not exact or not the root's, a lockfile that names a host.
 */
export function dependencyProblems(
  root: string,
  arrows: Readonly<Record<string, readonly string[]>>,
  files: readonly Importer[],
): string[] {
  const read = (file: string) => JSON.parse(readFileSync(path.join(root, file), 'utf8')) as Manifest;
  const problems: string[] = [];
  const rootManifest = read('package.json');
  const rootVersions = {
    ...rootManifest.devDependencies,
    ...rootManifest.optionalDependencies,
    ...rootManifest.dependencies,
  };
  for (const [name, version] of Object.entries(rootVersions)) {
    if (!/^\d/.test(version)) problems.push(`package.json: ${name} is "${version}", not an exact version.`);
  }

  const declared = new Map<string, { run: Set<string>; test: Set<string> }>();
  for (const [room, allowed] of Object.entries(arrows)) {
    const file = `packages/${room}/package.json`;
    if (!existsSync(path.join(root, file))) continue;
    const { dependencies = {}, devDependencies = {} } = read(file);
    for (const [name, version] of Object.entries({ ...devDependencies, ...dependencies })) {
      const other = /^@perch\/(.+)$/.exec(name)?.[1];
      if (other === undefined) {
        if (rootVersions[name] !== version)
          problems.push(
            `${file}: ${name} is ${version}; the root package.json says ${rootVersions[name] ?? 'nothing'}.`,
          );
      } else if (!allowed.includes(other) && !(other === 'testkit' && name in devDependencies)) {
        problems.push(`${file}: ${room} may not use ${other}.`);
      }
    }
    const run = new Set([`@perch/${room}`, ...Object.keys(dependencies)]);
    // What a bundle takes in is a need of the build, not of whoever installs us.
    if (room === 'app' || room === 'player') for (const name of Object.keys(devDependencies)) run.add(name);
    declared.set(room, {
      run,
      test: new Set([...run, ...Object.keys(devDependencies), ...Object.keys(rootVersions)]),
    });
  }

  for (const file of files) {
    if (!file.name.includes('/src/') || file.room === undefined) continue;
    const known = declared.get(file.room);
    if (!known) continue;
    for (const to of file.imports) {
      if (/^(\.|node:|perch-)/.test(to)) continue;
      const name = /^(@[^/]+\/[^/]+|[^/]+)/.exec(to)?.[1] ?? to;
      if (name === '@perch/testkit') continue;
      if (!(file.isTest ? known.test : known.run).has(name)) {
        problems.push(
          `${file.name} imports ${to}, which packages/${file.room}/package.json does not declare.`,
        );
      }
    }
  }

  const lockfile = path.join(root, 'package-lock.json');
  if (existsSync(lockfile) && /"resolved": "https?:/.test(readFileSync(lockfile, 'utf8'))) {
    problems.push('package-lock.json names a host. Set omit-lockfile-registry-resolved and run npm install.');
  }
  return problems;
}
