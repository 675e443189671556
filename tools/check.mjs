// npm run check: everything that a reviewer would look for first. All parts run, then it fails if one of them did.
// A directory given as the argument is checked in place of this repository; `--only PART` runs one part.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { installDependencies } from './setup/dependencies.mjs';
import { bundledNode, main, majorOf, NODE_FOR_PROGRAMS, root, SetUpError } from './setup/node.mjs';
import { recognise, thisMachine } from './setup/platform.mjs';

const { values, positionals } = parseArgs({ options: { only: { type: 'string' } }, allowPositionals: true });
const directory = path.resolve(positionals[0] ?? root);
const node = () => (majorOf(process.versions.node) >= NODE_FOR_PROGRAMS ? process.execPath : bundledNode());
const bin = (name) => path.join(root, 'node_modules', '.bin', name);

const parts = {
  types: () => [bin('tsc'), '-b'],
  lint: () => [bin('biome'), 'check', '--error-on-warnings', '.'],
  // Biome's own rule does not see promises that come from Node's types.
  promises: () => [bin('oxlint'), '--type-aware'],
  arrows: () => [node(), path.join(root, 'tools', 'check-arrows.ts'), directory],
  docblocks: () => [node(), path.join(root, 'tools', 'check-docblocks.ts'), directory],
};

/** Files that are made, not written, and so must not be in the repository. */
const generated = ['node_modules', 'dist', '.cache', '*.tgz', '*.tsbuildinfo'];

function isRight(name) {
  const [program, ...args] = parts[name]();
  const env = { ...process.env, PATH: [path.dirname(node()), process.env.PATH].join(path.delimiter) };
  const { status, error } = spawnSync(program, args, { cwd: directory, stdio: 'inherit', env });
  if (error) throw new SetUpError(`${program} cannot be run: ${error.message}`);
  return status === 0;
}

function nothingGenerated() {
  if (!existsSync(path.join(directory, '.git'))) return true;
  const { stdout } = spawnSync('git', ['ls-files', '--', ...generated], { cwd: directory, encoding: 'utf8' });
  if (!stdout) return true;
  console.error(`These files are made, not written; take them out of git:\n${stdout}`);
  return false;
}

await main(async () => {
  const { node: whose, problem } = recognise(thisMachine());
  if (problem) throw new SetUpError(problem);
  await installDependencies(whose);
  const names = values.only ? [values.only] : Object.keys(parts);
  const unknown = names.filter((name) => !(name in parts));
  if (unknown.length > 0)
    throw new SetUpError(`--only: ${unknown[0]} is none of ${Object.keys(parts).join(', ')}`);
  const failed = names.filter((name) => !isRight(name));
  if (!values.only && !nothingGenerated()) failed.push('generated files');
  if (failed.length === 0) return 0;
  console.error(
    `\nperch: check failed: ${failed.join(', ')}. "npm run format" puts right what a program can.`,
  );
  return 1;
});
