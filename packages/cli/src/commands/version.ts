import type { Command } from 'commander';

import { type Run, writeJson } from '../terminal.ts';
import { version } from '../version.ts';

export function addVersion(program: Command, { terminal }: Run): void {
  program
    .command('version')
    .description('say which version this is')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  perch version --json')
    .action(({ json }: { json?: boolean }) => {
      if (json) writeJson(terminal, { version, node: process.versions.node });
      else terminal.stdout.write(`perch ${version}\n`);
    });
}
