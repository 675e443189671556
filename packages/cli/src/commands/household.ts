import { createHouseholdIn } from '@perch/relay';
import { silentLogger, systemClock } from '@perch/runtime';
import type { Command } from 'commander';
import { loadConfig } from '../config/load.ts';
import { CliError } from '../errors.ts';
import { flagLayer } from '../flags.ts';
import { type Run, writeJson } from '../terminal.ts';

interface Flags {
  readonly config?: string;
  readonly url: string;
  readonly json?: boolean;
}

/** Works on the data directory, also while a relay runs on it. */
export function addHousehold(program: Command, run: Run): void {
  program
    .command('household')
    .description('further households on one relay: they see nothing of each other')
    .command('create')
    .description('make a household, and print a link that signs in its owner: once, within 7 days')
    .argument('<NAME>', 'letters, digits and dashes; its people sign in as USER@NAME')
    .option('--url <URL>', "the relay's address as people open it", 'http://localhost:8080')
    .option('--config <FILE>', 'read this file instead of DIR/perch.yaml')
    .option('--data <DIR>', "the relay's directory (default: $XDG_STATE_HOME/perch)")
    .option('--database <URL>', "the relay's database (default: sqlite:DIR/perch.db)")
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      '\nExample:\n  perch household create lab --url https://relay.example --data /var/lib/perch',
    )
    .action((name: string, flags: Flags) => create(run, name, flags));
}

async function create({ terminal }: Run, name: string, flags: Flags): Promise<void> {
  if (!/^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/i.test(name)) {
    throw new CliError('misused', `NAME must be up to 32 letters, digits and dashes, not "${name}"`);
  }
  const url = URL.parse(flags.url);
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new CliError('misused', `--url must be http://… or https://…, not "${flags.url}"`);
  }
  const { config } = loadConfig({
    program: 'tool',
    file: flags.config,
    env: terminal.env,
    flags: flagLayer(flags as unknown as Record<string, unknown>, { database: 'relay.database' }),
  });
  const made = await createHouseholdIn({
    data: config.data,
    database: config['relay.database'],
    clock: systemClock,
    logger: silentLogger,
    name,
  });
  if (!made) throw new CliError('failed', `There is a household "${name}" already. Choose another name.`);
  const link = `${url.origin}/#${made.secret}`;
  const expires = new Date(made.expires).toISOString();
  if (flags.json) {
    writeJson(terminal, { id: made.id, name: made.name, link, expires });
    return;
  }
  terminal.stdout.write(`${link}\n`);
  terminal.stderr.write(
    `It signs in the owner of "${made.name}", once, until ${expires}. It is not shown again.\n`,
  );
}
