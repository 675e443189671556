import type { Command } from 'commander';
import type { Run } from '../terminal.ts';

import { agentFlags, runAgent } from './agent.ts';

/** The command line of vw (COMPAT 1.1). Its settings are in `VW_*`, which the agent reads anyway. */
export function addVw(program: Command, run: Run): void {
  const vw = program.command('vw', { hidden: true }).description("vw's command line, run by Perch");
  agentFlags(vw.command('stream'))
    .description('take feeds in and send them out; settings come from VW_PORT, VW_API, VW_LOG_LEVEL')
    .addHelpText('after', '\nExample:\n  VW_PORT=8888 vw stream')
    .action((flags) => runAgent(run, flags));
  vw.command('version')
    .description('say which version this stands for')
    .action(() => void run.terminal.stdout.write('vw video websocket transporter v0.1.0\n'));
}
