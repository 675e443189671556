// npm run bench: sets up what is missing, then runs the benches (all, or those named after `--`) one after the other.
import path from 'node:path';
import { setUp } from './setup/index.mjs';
import { main, root } from './setup/node.mjs';
import { programsForTests } from './setup/programs.mjs';

await main(async () => {
  await setUp({ programs: programsForTests });
  const perch = path.join(root, 'packages', 'cli', 'bin', 'perch.js');
  process.argv.splice(1, process.argv.length, perch, 'bench', ...process.argv.slice(2));
  await import('../packages/cli/bin/perch.js');
  return undefined;
});
