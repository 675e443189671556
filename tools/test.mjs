// npm test: sets up what is missing, then runs all tests in one runner (run-tests.mjs), so that its counts close the output.
// `--long` adds the long runs (`*.long.ts`, and whatever PERCH_LONG makes longer); other arguments name test files instead of all.
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { setUp } from './setup/index.mjs';
import { bundledNode, main, majorOf, NODE_FOR_PROGRAMS, root, run } from './setup/node.mjs';
import { programsForTests } from './setup/programs.mjs';

/** A test file may take so long; the long runs have more. */
const TIMEOUT_MS = 180_000;
const LONG_TIMEOUT_MS = 3_600_000;

function testFiles(isLong) {
  return ['packages', 'test'].flatMap((directory) =>
    readdirSync(path.join(root, directory), { recursive: true })
      .map((file) => path.join(directory, file))
      .filter((file) => file.endsWith('.test.ts') || (isLong && file.endsWith('.long.ts')))
      .filter((file) => !file.includes('node_modules'))
      .sort(),
  );
}

await main(async () => {
  await setUp({ programs: programsForTests });
  const args = process.argv.slice(2);
  const isLong = args.includes('--long');
  const named = args.filter((arg) => arg !== '--long');
  const node = majorOf(process.versions.node) >= NODE_FOR_PROGRAMS ? process.execPath : bundledNode();
  const timeout = isLong ? LONG_TIMEOUT_MS : TIMEOUT_MS;
  const command = named.some((arg) => !arg.startsWith('--'))
    ? ['--test', '--test-concurrency=2', `--test-timeout=${timeout}`, ...named]
    : [...named, path.join(root, 'tools', 'run-tests.mjs'), timeout, ...testFiles(isLong)];
  return run([node, ...command], {
    env: {
      ...process.env,
      PATH: [path.dirname(node), process.env.PATH].join(path.delimiter),
      ...(isLong && { PERCH_LONG: '1' }),
    },
  });
});
