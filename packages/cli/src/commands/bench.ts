import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { CliError } from '../errors.ts';
import { repository } from '../places.ts';
import type { Run } from '../terminal.ts';

export function addBench(program: Command, run: Run): void {
  program
    .command('bench')
    .description('measure every claim of speed, and print tables')
    .argument('[NAME...]', 'only these')
    .option('--list', 'only say which there are')
    .addHelpText('after', '\nExample:\n  perch bench fanout-saturation')
    .action(async (names: string[], { list = false }: { list?: boolean }) => {
      const root = repository();
      if (!root) {
        throw new CliError(
          'failed',
          'The benches measure against other programs and a browser, and live in the repository. Clone it and run "npm run bench" there.',
        );
      }
      const all = readdirSync(join(root, 'bench'))
        .filter((file) => /^[a-z].*\.ts$/.test(file) && !file.endsWith('.test.ts'))
        .map((file) => file.slice(0, -'.ts'.length))
        .sort();
      if (list) return void run.terminal.stdout.write(all.map((name) => `${name}\n`).join(''));
      const unknown = names.filter((name) => !all.includes(name));
      if (unknown.length > 0) {
        throw new CliError(
          'misused',
          `There is no bench ${unknown.join(', ')}. There are: ${all.join(', ')}`,
        );
      }
      for (const name of names.length > 0 ? names : all) {
        run.terminal.stdout.write(`\n# ${name}\n\n`);
        // One process each, so that none measures what another left behind.
        const child = spawn(process.execPath, [join(root, 'bench', `${name}.ts`)], {
          stdio: 'inherit',
          cwd: root,
        });
        const [code] = (await once(child, 'close')) as [number | null];
        if (code !== 0) run.exitCode = 1;
      }
    });
}
