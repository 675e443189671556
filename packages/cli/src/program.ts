import { AgentError, SpoolError } from '@perch/agent';
import { RelayError } from '@perch/relay';
import { Command, CommanderError } from 'commander';
import { addAgent } from './commands/agent.ts';
import { addBench } from './commands/bench.ts';
import { addCaptures } from './commands/captures.ts';
import { addCloudtalker } from './commands/cloudtalker.ts';
import { addDoctor } from './commands/doctor.ts';
import { addEnroll } from './commands/enroll.ts';
import { addHousehold } from './commands/household.ts';
import { addInspect } from './commands/inspect.ts';
import { addRelay } from './commands/relay.ts';
import { addToken } from './commands/token.ts';
import { addUp } from './commands/up.ts';
import { addVersion } from './commands/version.ts';
import { addVw } from './commands/vw.ts';
import { CliError } from './errors.ts';
import { normalise } from './flags.ts';
import type { Run, Terminal } from './terminal.ts';
import { version } from './version.ts';

/**
 * Runs one command line.
 *
 * @returns the exit code: 0 done, 1 failed, 2 misused. Never throws for what a person can cause.
 */
export async function runPerch(args: readonly string[], terminal: Terminal): Promise<number> {
  const run: Run = { terminal, exitCode: 0 };
  try {
    await makeProgram(run).parseAsync(normalise(args), { from: 'user' });
    return run.exitCode;
  } catch (error) {
    return explain(error, terminal);
  }
}

/** All commands. The old programs' names are commands too, which only their own launchers use. */
export function makeProgram(run: Run): Command {
  const program = new Command('perch')
    .description('See, hear, talk through and command a machine that can only make outgoing connections.')
    .version(version, '-V, --version')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => run.terminal.stdout.write(text),
      writeErr: (text) => run.terminal.stderr.write(text),
    })
    .showHelpAfterError('(--help shows what there is)');
  for (const add of [
    addUp,
    addRelay,
    addAgent,
    addEnroll,
    addToken,
    addHousehold,
    addCaptures,
    addInspect,
    addDoctor,
    addBench,
    addVersion,
    addVw,
    addCloudtalker,
  ]) {
    add(program, run);
  }
  return program;
}

function explain(error: unknown, { stderr }: Terminal): number {
  // Commander has said it already; asking for help is no misuse.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof CliError) {
    stderr.write(`perch: ${error.message}\n`);
    return error.exitCode;
  }
  if (error instanceof RelayError || error instanceof AgentError || error instanceof SpoolError) {
    stderr.write(`perch: ${error.message}\n`);
    return 1;
  }
  if (error instanceof TypeError && /^\w+: /.test(error.message)) {
    // The libraries' word for misuse, which names the option.
    stderr.write(`perch: ${error.message}\n`);
    return 2;
  }
  stderr.write(
    `perch: this should not have happened, please report it:\n${error instanceof Error ? error.stack : String(error)}\n`,
  );
  return 1;
}
