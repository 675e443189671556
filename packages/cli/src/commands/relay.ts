import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type RelayOptions, startRelay } from '@perch/relay';
import { type Logger, millis } from '@perch/runtime';
import type { Command } from 'commander';
import { type Loaded, loadConfig } from '../config/load.ts';
import type { Config } from '../config/settings.ts';
import { flagLayer, withSettings } from '../flags.ts';
import { webRoot } from '../places.ts';
import { Stop } from '../stop.ts';
import { loggerFor, type Run, writeJson } from '../terminal.ts';
import { addRelayBackup } from './relay-backup.ts';
import { pushFlags, pushOptions, withPush } from './relay-push.ts';
import { tlsFlags, tlsOptions, trustJson, trustText, withTls } from './relay-tls.ts';

interface Flags {
  readonly config?: string;
  readonly json?: boolean;
  readonly sign_in?: boolean;
}

export function addRelay(program: Command, run: Run): void {
  const relay = program.command('relay');
  addRelayBackup(relay, run);
  const settled = withTls(withSettings(relay), {
    public: 'the name or address under which people reach it, for links and its certificate',
  });
  withPush(settled)
    .description('run the public side: publishers in, viewers out, on one port')
    .option('--listen <HOST:PORT>', 'where to listen (default: 127.0.0.1:8080; port 0 picks a free one)')
    .option('--open <GLOB...>', 'topics that anyone may read and write (default: none)')
    .option('--trust_proxy <CIDR...>', 'proxies in front, believed when they say who calls (default: none)')
    .option(
      '--embed_origin <ORIGIN...>',
      'foreign pages that may show /embed/<topic> in a frame (default: none)',
    )
    .option('--database <URL>', 'sqlite:PATH or postgres://USER@HOST/NAME (default: sqlite:DIR/perch.db)')
    .option('--sign_in', 'print a new sign-in link for the app (without it only the first start does)')
    .option('--json', 'one JSON line when ready, then logs in JSON')
    .addHelpText(
      'after',
      "\nExamples:\n  perch relay --listen 127.0.0.1:8080 --data /var/lib/perch\n  perch relay --listen 0.0.0.0:443 --acme relay.example.org --data /var/lib/perch\n  perch relay --listen 127.0.0.1:0 --data ./state --open 'lab/*'",
    )
    .action((flags: Flags) => runRelay(run, flags));
}

async function runRelay(run: Run, flags: Flags): Promise<void> {
  using stop = new Stop();
  const json = flags.json ?? false;
  const loaded = loadConfig({
    program: 'relay',
    file: flags.config,
    env: run.terminal.env,
    flags: flagLayer(flags as Record<string, unknown>, {
      listen: 'relay.listen',
      open: 'relay.open',
      ...tlsFlags,
      ...pushFlags,
      trust_proxy: 'relay.trust_proxy',
      embed_origin: 'relay.embed_origin',
      database: 'relay.database',
    }),
  });
  const { config } = loaded;
  const logger = loggerFor(run.terminal, { level: config.log_level, json });
  for (const warning of loaded.warnings) logger.warn(warning);
  await using relay = await startRelay(relayOptions(loaded, logger));
  const signIn = isFirstStart(config.data) || flags.sign_in ? await relay.signInLink() : undefined;
  if (json) writeJson(run.terminal, { event: 'ready', relay: relay.url, signIn, ...trustJson(relay) });
  else {
    run.terminal.stdout.write(`The relay runs at ${relay.url}\n${trustText(relay)}`);
    if (signIn) run.terminal.stdout.write(signInText(signIn));
  }
  const signal = await stop.asked;
  logger.info('ending', { signal });
}

/** What the configuration says, as the relay wants it. */
export function relayOptions({ config }: Loaded, logger: Logger): RelayOptions {
  const web = webRoot();
  const database = config['relay.database'];
  return {
    listen: config['relay.listen'],
    data: config.data,
    ...(database !== undefined && { database }),
    open: config['relay.open'],
    trustProxy: config['relay.trust_proxy'],
    embedOrigin: config['relay.embed_origin'],
    limits: { backlogBytes: config['relay.backlog'] },
    ...tlsOptions(config),
    ...pushOptions(config),
    ...(web !== undefined && { webRoot: web }),
    ...olderRelays(config),
    logger,
  };
}

/** Each of the older relays' families is on where its secret is known. */
function olderRelays(config: Config): Pick<RelayOptions, 'crossbar' | 'practable'> {
  const crossbar = config['relay.crossbar_secret'];
  const practable = config['relay.practable_secret'];
  return {
    ...(crossbar !== undefined && {
      crossbar: { secret: crossbar, audience: config['relay.crossbar_audience'] ?? '' },
    }),
    ...(practable !== undefined && {
      practable: {
        secret: practable,
        audience: config['relay.practable_audience'] ?? '',
        url: config['relay.practable_url'] ?? '',
        allowNoBookingId: config['relay.practable_allow_no_booking_id'],
        statsEvery: millis(config['relay.practable_stats_every']),
      },
    }),
  };
}

/** Whether no relay has run on this directory before; from now on one has. */
function isFirstStart(data: string): boolean {
  const mark = join(data, 'first-start');
  if (existsSync(mark)) return false;
  mkdirSync(data, { recursive: true, mode: 0o700 });
  writeFileSync(mark, `${new Date().toISOString()}\n`);
  return true;
}

const signInText = (link: string): string =>
  `  open the app  ${link}
  One use, 15 minutes. A new link: perch relay --sign_in. Behind a proxy: --public HOST
`;
