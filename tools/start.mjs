// npm start: sets up what is missing, then runs `perch up` with the arguments given after `--`.
import path from 'node:path';
import { setUp } from './setup/index.mjs';
import { main, root } from './setup/node.mjs';
import { programsForDemo } from './setup/programs.mjs';

await main(async () => {
  const args = process.argv.slice(2);
  const help = args.includes('--help') || args.includes('-h');
  const programs = help || args.includes('--no-demo') || args.includes('--no_demo') ? [] : programsForDemo;
  await setUp({ programs });
  const perch = path.join(root, 'packages', 'cli', 'bin', 'perch.js');
  process.argv.splice(1, process.argv.length, perch, 'up', ...args);
  await import('../packages/cli/bin/perch.js');
  return undefined;
});
