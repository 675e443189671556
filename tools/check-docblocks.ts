// Whether every symbol that a room shows to others says what it is. `npm run check` runs it; a directory given as the
// argument is checked in place of this repository.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { exportsOf, hasDocblock } from './check/exports.ts';

const root = path.resolve(process.argv[2] ?? path.join(import.meta.dirname, '..'));
const problems = readdirSync(path.join(root, 'packages')).flatMap(roomProblems);
for (const problem of problems) console.error(problem);
if (problems.length > 0) {
  console.error(
    `\n${problems.length} public symbol(s) without a docblock. Say in a line what it is: units, who owns it, its default.`,
  );
  process.exitCode = 1;
}

function roomProblems(room: string): string[] {
  const index = path.join(root, 'packages', room, 'src', 'index.ts');
  if (!existsSync(index)) return [];
  return exportsOf(index).flatMap(({ name, local, file }) => {
    const documented = hasDocblock(readFileSync(file, 'utf8'), local);
    if (documented) return [];
    const where = path.relative(root, file).split(path.sep).join('/');
    return documented === undefined
      ? [`@perch/${room}: ${name} is not declared in ${where} in a way that tools/check/exports.ts knows.`]
      : [`@perch/${room}: ${name} in ${where} has no docblock.`];
  });
}
