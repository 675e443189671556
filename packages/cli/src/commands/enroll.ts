import { enrol, renewIdentity } from '@perch/agent';
import type { Command } from 'commander';
import { type Loaded, loadConfig } from '../config/load.ts';
import { CliError } from '../errors.ts';
import { flagLayer, withSettings } from '../flags.ts';
import { type Run, writeJson } from '../terminal.ts';

interface Flags {
  readonly config?: string;
  readonly json?: boolean;
  readonly pin?: string;
  readonly legacy?: string;
  readonly again?: boolean;
  readonly renew?: boolean;
}

export function addEnroll(program: Command, run: Run): void {
  withSettings(program.command('enroll'))
    .description('make this machine a device of a relay, with a code from its app')
    .argument('[URL]', "the relay's address, such as https://relay.example")
    .argument('[CODE]', 'from the app: devices, add a device. Ten minutes, one use')
    .option('--pin <HEX>', 'where no public authority knows the relay: the app shows this with the code')
    .option('--legacy <DIR>', 'also write cert.pem and key.pem there, for an unmodified cloudtalker')
    .option('--again', 'in place of the identity that this machine has')
    .option(
      '--renew',
      'no new device: renew the certificate, if it is time (an agent that runs does it by itself) or with --pin',
    )
    .option('--extra_ca <FILE>', 'PEM certificates to trust on outgoing connections')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  perch enroll https://relay.example K7QM-2WXN\n  perch enroll --renew --data /var/lib/perch',
    )
    .action((url: string | undefined, code: string | undefined, flags: Flags) => {
      const loaded = loadConfig({
        program: 'agent',
        file: flags.config,
        env: run.terminal.env,
        flags: flagLayer(flags as Record<string, unknown>, { extra_ca: 'agent.extra_ca' }),
      });
      if (flags.renew) return renew(run, loaded, flags);
      if (url === undefined || code === undefined)
        throw new CliError('misused', 'URL and CODE are needed: the app shows them, under devices');
      return enrolHere(run, loaded, { ...flags, url, code });
    });
}

const outgoingOf = ({ config, proxy }: Loaded) => ({
  proxy,
  ...(config['agent.extra_ca'] !== undefined && { caFile: config['agent.extra_ca'] }),
});

async function enrolHere(
  { terminal }: Run,
  loaded: Loaded,
  { url, code, pin, legacy, again, json }: Flags & { url: string; code: string },
): Promise<void> {
  const { data } = loaded.config;
  const { device, name, relays, warnings } = await enrol({
    ...{ url, code, data, outgoing: outgoingOf(loaded) },
    ...(pin !== undefined && { pin }),
    ...(legacy !== undefined && { legacy }),
    ...(again !== undefined && { again }),
  });
  for (const warning of warnings) terminal.stderr.write(`perch: ${warning}\n`);
  if (json) writeJson(terminal, { device, name, relays });
  else
    terminal.stdout.write(`This machine is now the device ${device}, "${name}" in the app, of ${relays.join(', ')}.
What its agent gets as feed NAME is shown there as ${device}/NAME.
  start the agent   perch agent --data ${data}
  (one that runs already must be started again)
`);
}

async function renew({ terminal }: Run, loaded: Loaded, { json, pin }: Flags): Promise<void> {
  const { data } = loaded.config;
  const { device, until, isNew } = await renewIdentity({
    ...{ data, outgoing: outgoingOf(loaded) },
    ...(pin !== undefined && { pin }),
  });
  const day = new Date(until).toISOString();
  if (json) writeJson(terminal, { device, renewed: isNew, until: day });
  else
    terminal.stdout.write(
      isNew
        ? `The certificate of ${device} was renewed; it is good until ${day}.\n`
        : `The certificate of ${device} is good until ${day}; it is not yet time.\n`,
    );
}
