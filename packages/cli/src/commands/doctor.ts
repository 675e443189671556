import type { Command } from 'commander';
import { loadConfig } from '../config/load.ts';
import { type Finding, findingText } from '../doctor/finding.ts';
import { examineMachine } from '../doctor/machine.ts';
import { examineRelay } from '../doctor/relay.ts';
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
    .option('--json', 'as JSON')
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
  const findings: Finding[] = [];
  const report = (finding: Finding) => {
    findings.push(finding);
    if (!flags.json) terminal.stdout.write(findingText(finding));
  };
  if (url === undefined) for (const finding of await examineMachine(config, terminal.env)) report(finding);
  else await examineRelay({ url, proxy, report });
  const isWell = findings.every(({ state }) => state !== 'missing');
  if (flags.json) writeJson(terminal, { ok: isWell, findings });
  else if (isWell)
    terminal.stdout.write(url === undefined ? '\nPerch can run here.\n' : '\nThe way is free.\n');
  if (!isWell) run.exitCode = 1;
}
