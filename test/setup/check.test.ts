import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

// `npm run check` must see what it is there for: each fault is planted in a copy of the sources.

const root = path.join(import.meta.dirname, '../..');
let copy: string;

before(() => {
  copy = mkdtempSync(path.join(tmpdir(), 'perch-check-'));
  for (const name of readdirSync(path.join(root, 'packages'))) {
    if (!existsSync(path.join(root, 'packages', name, 'package.json'))) continue;
    cpSync(path.join(root, 'packages', name), path.join(copy, 'packages', name), {
      recursive: true,
      filter: (file) => !file.includes('node_modules') && !file.endsWith('.test.ts'),
    });
  }
  const files = [
    'package.json',
    'tsconfig.json',
    'tsconfig.base.json',
    'biome.json',
    '.oxlintrc.json',
    '.gitignore',
  ];
  for (const file of files) cpSync(path.join(root, file), path.join(copy, file));
  symlinkSync(path.join(root, 'node_modules'), path.join(copy, 'node_modules'));
  // Git tells biome and oxlint where the project begins.
  spawnSync('git', ['init', '-q'], { cwd: copy });
});

after(() => rmSync(copy, { recursive: true, force: true }));

/** Runs one part of the check on the copy, with some files planted. */
function check(
  part: string,
  planted: Readonly<Record<string, string>>,
): { status: number | null; output: string } {
  for (const [file, text] of Object.entries(planted)) {
    mkdirSync(path.dirname(path.join(copy, file)), { recursive: true });
    writeFileSync(path.join(copy, file), text);
  }
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [path.join(root, 'tools/check.mjs'), copy, '--only', part],
    { encoding: 'utf8' },
  );
  for (const file of Object.keys(planted)) rmSync(path.join(copy, file));
  return { status, output: stdout + stderr };
}

/** The check fails because of the planted files, and says so. */
function assertSeen(part: string, planted: Readonly<Record<string, string>>, words: RegExp): void {
  const { status, output } = check(part, planted);
  assert.equal(status, 1, output);
  assert.match(output, words);
}

test('the sources as they are have no forbidden arrow, no floating promise and no public symbol without a docblock', () => {
  for (const part of ['arrows', 'promises', 'docblocks']) {
    const { status, output } = check(part, {});
    assert.equal(status, 0, output);
  }
});

test('a forbidden arrow is seen', () => {
  assertSeen(
    'arrows',
    { 'packages/hub/src/planted.ts': "export { limits } from '@perch/protocol';\n" },
    /hub may not use protocol/,
  );
  assertSeen(
    'arrows',
    {
      'packages/agent/src/planted.ts': "import type { Relay } from '@perch/relay';\nexport type R = Relay;\n",
    },
    /agent may not use relay/,
  );
});

test('a room is entered by its door only', () => {
  assertSeen(
    'arrows',
    { 'packages/relay/src/planted.ts': "export * from '../../hub/src/queue.ts';\n" },
    /a room is entered by its name, @perch\/hub/,
  );
});

test('Node in a browser room, and testkit outside tests, are seen', () => {
  assertSeen(
    'arrows',
    { 'packages/player/src/planted.ts': "export { join } from 'node:path';\n" },
    /player must run in a browser/,
  );
  assertSeen(
    'arrows',
    { 'packages/agent/src/planted.ts': "export { FakeClock } from '@perch/testkit';\n" },
    /testkit is for tests only/,
  );
});

test('an import that nothing declares is seen', () => {
  assertSeen(
    'arrows',
    { 'packages/relay/src/planted.ts': "export { Command } from 'commander';\n" },
    /commander, which packages\/relay\/package\.json does not declare/,
  );
});

test('a cycle of files is seen, and the way around it', () => {
  assertSeen(
    'arrows',
    {
      'packages/hub/src/one.ts': "import { two } from './two.ts';\nexport const one = () => two;\n",
      'packages/hub/src/two.ts': "import { one } from './one.ts';\nexport const two = () => one;\n",
    },
    /packages\/hub\/src\/one\.ts → packages\/hub\/src\/two\.ts → packages\/hub\/src\/one\.ts/,
  );
});

test('a public symbol without a docblock is seen, wherever it is declared', () => {
  const index = `export { one, type Two as Too } from './inner/index.ts';
export * from './star.ts';
export { known } from '@perch/hub';
/** Here itself. */
export const here = 1;
`;
  const star = '// No docblock.\nexport class Star {}\n\n/** Has one. */\nexport abstract class Good {}\n';
  const inner =
    "export { one } from './one.ts';\n/** Of a field. */\nconst inner = 1;\nexport interface Two {}\n";
  const one = '/** Has one, on two\n * lines. */\nexport async function one(): Promise<void> {}\n';
  const planted = {
    'packages/planted/src/index.ts': index,
    'packages/planted/src/star.ts': star,
    'packages/planted/src/inner/index.ts': inner,
    'packages/planted/src/inner/one.ts': one,
  };
  const { status, output } = check('docblocks', planted);
  assert.equal(status, 1, output);
  assert.match(output, /@perch\/planted: Too in packages\/planted\/src\/inner\/index\.ts has no docblock/);
  assert.match(output, /@perch\/planted: Star in packages\/planted\/src\/star\.ts has no docblock/);
  assert.match(output, /^2 public symbol/m);

  const documented = {
    ...planted,
    'packages/planted/src/star.ts': star.replace('// No', '/** A').replace('.', '. */'),
  };
  const whole = inner.replace('export interface', '/** Has one. */\nexport interface');
  assert.equal(check('docblocks', { ...documented, 'packages/planted/src/inner/index.ts': whole }).status, 0);
  assertSeen(
    'docblocks',
    {
      'packages/planted/src/index.ts': "export { gone } from './gone.ts';\n",
      'packages/planted/src/gone.ts': '\n',
    },
    /gone is not declared in packages\/planted\/src\/gone\.ts/,
  );
});

test("floating promises are seen: ours, Node's, and those of methods", () => {
  const text = `import { readFile } from 'node:fs/promises';
import { sleep, systemClock, millis } from '@perch/runtime';
export function planted(closer: { close(): Promise<void> }): void {
  sleep(systemClock, millis(1));
  readFile('x');
  closer.close();
}
`;
  const { status, output } = check('promises', { 'packages/agent/src/planted.ts': text });
  assert.equal(status, 1, output);
  assert.equal(output.match(/no-floating-promises/g)?.length, 3, output);
});

test('any, and an empty catch, are seen', () => {
  assertSeen(
    'lint',
    { 'packages/hub/src/planted.ts': 'export const f = (x: any): unknown => x;\n' },
    /noExplicitAny/,
  );
  assertSeen(
    'lint',
    {
      'packages/hub/src/planted.ts': 'export const f = (): void => {\n  try {\n    f();\n  } catch {}\n};\n',
    },
    /noEmptyBlock/,
  );
});
