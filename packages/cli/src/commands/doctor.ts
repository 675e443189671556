import { silentLogger, systemClock } from '@perch/runtime';
import type { Command } from 'commander';
import { loadConfig } from '../config/load.ts';
import { examineAudit } from '../doctor/audit.ts';
import { examineRelay } from '../doctor/examine-relay.ts';
import { showFindings } from '../doctor/finding.ts';
import { examineMachine } from '../doctor/machine.ts';
import { flagLayer, withSettings } from '../flags.ts';
import { type Run, writeJson } from '../terminal.ts';

interface Flags {
  readonly config?: string;
  readonly json?: boolean;
}

export function addDoctor(program: Command, run: Run): void {
  withSettings(program.command('doctor'))
    .description(
      'say what is missing on this machine and how to get it; or which hop on the way to a relay fails',
    )
    .argument('[URL]', 'a relay, such as https://relay.example or wss://relay.example/out/demo')
    .option('--json', 'as JSON: a list of findings')
    .addHelpText('after', '\nExamples:\n  perch doctor\n  perch doctor https://relay.example')
    .action((url: string | undefined, flags: Flags) => runDoctor(run, url, flags));
}

async function runDoctor(run: Run, url: string | undefined, flags: Flags): Promise<void> {
  const { terminal } = run;
  const { config, proxy } = loadConfig({
    program: 'tool',
    file: flags.config,
    env: terminal.env,
    flags: flagLayer(flags as Record<string, unknown>, {}),
  });
  const listen = [
    { what: 'relay', ...config['relay.listen'] },
    { what: 'agent', ...config['agent.listen'] },
  ];
  const findings =
    url === undefined
      ? [
          ...(await examineMachine({ data: config.data, listen, env: terminal.env })),
          ...(await examineAudit({
            data: config.data,
            database: config['relay.database'],
            clock: systemClock,
            logger: silentLogger,
          })),
        ]
      : await examineRelay({ url, proxy });
  if (flags.json) writeJson(terminal, findings);
  else terminal.stdout.write(showFindings(findings));
  if (findings.some(({ outcome }) => outcome === 'bad')) run.exitCode = 1;
}
