import { createTokenIn, listTokensIn, revokeTokenIn, type TokenScope } from '@perch/relay';
import { silentLogger, systemClock } from '@perch/runtime';
import type { Command } from 'commander';
import { loadConfig } from '../config/load.ts';
import { BadValue, parseDuration } from '../config/units.ts';
import { CliError } from '../errors.ts';
import { flagLayer } from '../flags.ts';
import { type Run, table, writeJson } from '../terminal.ts';

interface Flags {
  readonly config?: string;
  readonly json?: boolean;
}

interface CreateFlags extends Flags {
  readonly topic: string;
  readonly scope: string;
  readonly ttl: string;
}

const SCOPES: readonly string[] = ['read', 'write', 'audit'];

/** Works on the data directory; a relay that runs on it obeys at once. */
export function addToken(program: Command, run: Run): void {
  const token = program.command('token').description("make, list and revoke a relay's API tokens");
  const shared = (command: Command) =>
    command
      .option('--config <FILE>', 'read this file instead of DIR/perch.yaml')
      .option('--data <DIR>', "the relay's directory (default: $XDG_STATE_HOME/perch)")
      .option('--database <URL>', "the relay's database (default: sqlite:DIR/perch.db)")
      .option('--json', 'as JSON');
  shared(token.command('create'))
    .description('make a token: for "Authorization: Bearer …", or to post to /session/TOPIC')
    .requiredOption('--topic <GLOB>', 'topics that it opens: * stops at /, ** does not')
    .option('--scope <LIST>', 'of read, write and audit, parted by commas', 'read')
    .option('--ttl <TIME>', 'how long it lives, such as 1h or 30d', '1h')
    .addHelpText(
      'after',
      "\nExample:\n  perch token create --topic 'front/*' --scope read,write --ttl 30d --data /var/lib/perch",
    )
    .action((flags: CreateFlags) => create(run, flags));
  shared(token.command('list'))
    .description('list the tokens, without their secrets')
    .addHelpText('after', '\nExample:\n  perch token list --data /var/lib/perch')
    .action((flags: Flags) => list(run, flags));
  shared(token.command('revoke'))
    .description('make a token worthless at once, in open connections too')
    .argument('<ID>', 'its id, as "perch token list" shows it')
    .addHelpText('after', '\nExample:\n  perch token revoke 1f2e3d4c5b6a --data /var/lib/perch')
    .action((id: string, flags: Flags) => revoke(run, id, flags));
}

function place({ terminal }: Run, flags: Flags) {
  const { config } = loadConfig({
    program: 'tool',
    file: flags.config,
    env: terminal.env,
    flags: flagLayer(flags as unknown as Record<string, unknown>, { database: 'relay.database' }),
  });
  return { data: config.data, database: config['relay.database'], clock: systemClock, logger: silentLogger };
}

async function create(run: Run, flags: CreateFlags): Promise<void> {
  const scope = flags.scope.split(',').map((part) => part.trim());
  if (scope.some((part) => !SCOPES.includes(part))) {
    throw new CliError(
      'misused',
      `--scope must be of read, write and audit, parted by commas, not "${flags.scope}"`,
    );
  }
  const ttlMs = lifeOf(flags.ttl);
  if (flags.topic === '')
    throw new CliError('misused', '--topic must be a glob of topic names, such as front/*');
  const secret = await createTokenIn({
    ...place(run, flags),
    topic: flags.topic,
    scope: scope as TokenScope[],
    ttlMs,
  });
  const expires = new Date(Math.min(Date.now() + ttlMs, 8.64e15)).toISOString();
  if (flags.json) writeJson(run.terminal, { token: secret, topic: flags.topic, scope, expires });
  else {
    // Only the token goes to standard output, so that TOKEN=$(perch token create …) works.
    run.terminal.stdout.write(`${secret}\n`);
    run.terminal.stderr.write(
      `It may ${scope.join(' and ')} ${flags.topic} until ${expires}. It is not shown again.\n`,
    );
  }
}

function lifeOf(text: string): number {
  try {
    const ttlMs = parseDuration(text);
    if (ttlMs > 0) return ttlMs;
    throw new BadValue('must be more than 0');
  } catch (error) {
    if (error instanceof BadValue) throw new CliError('misused', `--ttl ${error.message}`);
    throw error;
  }
}

async function list(run: Run, flags: Flags): Promise<void> {
  const tokens = (await listTokensIn(place(run, flags))).map((token) => ({
    id: token.id,
    topic: token.topic,
    scope: token.scope,
    created: new Date(token.created).toISOString(),
    expires: new Date(token.expires).toISOString(),
    lastUsed: token.lastUsed === undefined ? null : new Date(token.lastUsed).toISOString(),
  }));
  if (flags.json) {
    writeJson(run.terminal, tokens);
    return;
  }
  if (tokens.length === 0) {
    run.terminal.stderr.write('There are no tokens.\n');
    return;
  }
  const rows = tokens.map(({ id, topic, scope, created, expires, lastUsed }) => [
    id,
    topic,
    scope.join(','),
    created,
    expires,
    lastUsed ?? 'never',
  ]);
  run.terminal.stdout.write(table([['ID', 'TOPIC', 'SCOPE', 'CREATED', 'EXPIRES', 'LAST USED'], ...rows]));
}

async function revoke(run: Run, id: string, flags: Flags): Promise<void> {
  if (!(await revokeTokenIn({ ...place(run, flags), id }))) {
    throw new CliError('failed', `There is no token ${id}. "perch token list" shows which there are.`);
  }
  if (flags.json) writeJson(run.terminal, { revoked: id });
}
