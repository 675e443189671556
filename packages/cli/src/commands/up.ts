import { AgentError, demoSource, startAgent } from '@perch/agent';
import { isLoopback, startRelay } from '@perch/relay';
import { Scope } from '@perch/runtime';
import type { Command } from 'commander';
import { captureFlags, capturesAt } from '../capture-options.ts';
import { type Loaded, loadConfig } from '../config/load.ts';
import { formatAddress } from '../config/units.ts';
import { howToInstall, isInstalled } from '../doctor/programs.ts';
import { CliError } from '../errors.ts';
import { flagLayer, withSettings } from '../flags.ts';
import { Stop } from '../stop.ts';
import { loggerFor, type Run, writeJson } from '../terminal.ts';
import { agentOptions } from './agent.ts';
import { relayOptions } from './relay.ts';
import { tlsFlags, trustJson, trustText, withTls } from './relay-tls.ts';
import { enrolUp } from './up-identity.ts';
import { type Front, frontOptions, publicFront } from './up-public.ts';
import { uplinkToken } from './up-token.ts';

interface Flags {
  readonly config?: string;
  readonly json?: boolean;
  readonly demo: boolean;
  readonly public?: string;
}

const DEMO = 'demo';

export function addUp(program: Command, run: Run): void {
  withTls(withSettings(program.command('up')), {
    public: 'serve HTTPS under this name or address, with a link and a picture for a phone',
  })
    .description('run a relay and an agent together, with a demo, and print a link that opens the app')
    .option(
      '--listen <HOST:PORT>',
      'where the relay listens (default: 127.0.0.1:8080; port 0 picks a free one)',
    )
    .option('--agent_listen <HOST:PORT>', 'where the agent listens (default: 127.0.0.1:8888)')
    .option('--input_port <N|none>', 'where camera programs name their films (default: 9000, if it is free)')
    .option('--cam_addr <HOST:PORT>', 'where the camera program listens for commands, by UDP')
    .option('--cam_sock <PATH>', 'its unix datagram socket; wins over --cam_addr')
    .option('--no-demo', 'without the demo picture and tone')
    .option('--open <GLOB...>', 'topics that anyone may read and write (default: none)')
    .option('--json', 'one JSON line when ready, then logs in JSON')
    .addHelpText('after', '\nExamples:\n  perch up\n  perch up --public 192.168.1.20')
    .action((flags: Flags) => runUp(run, flags));
}

async function runUp(run: Run, flags: Flags): Promise<void> {
  using stop = new Stop();
  const json = flags.json ?? false;
  const loaded = loadConfig({
    program: 'up',
    file: flags.config,
    env: run.terminal.env,
    flags: flagLayer(flags as unknown as Record<string, unknown>, {
      listen: 'relay.listen',
      agent_listen: 'agent.listen',
      open: 'relay.open',
      input_port: captureFlags.input_port,
      cam_addr: captureFlags.cam_addr,
      cam_sock: captureFlags.cam_sock,
      ...tlsFlags,
    }),
  });
  const { config } = loaded;
  if (config['relay.public'] === undefined && !isLoopback(config['relay.listen'].host)) {
    throw new CliError(
      'misused',
      '--listen beyond loopback needs --public HOST: the name or address that people will use',
    );
  }
  const logger = loggerFor(run.terminal, { level: config.log_level, json });
  for (const warning of loaded.warnings) logger.warn(warning);
  const demo = flags.demo && isInstalled('ffmpeg', run.terminal.env);
  if (flags.demo && !demo)
    logger.warn(`there is no demo: ffmpeg is not installed. ${howToInstall(['ffmpeg'])}`);

  await using scope = new Scope();
  const relay = scope.own(
    await startRelay(frontOptions(relayOptions(loaded, logger.child({ part: 'relay' })))),
  );
  const front = config['relay.public'] && publicFront({ relay, config });
  const agent = scope.own(await startUpAgent(loaded, { demo, relay, front, logger }));
  const signIn = await relay.signInLink();
  const ready = { relay: relay.url, agent: agent.url, captures: capturesAt(agent), signIn };
  if (json) writeJson(run.terminal, { event: 'ready', ...ready, ...trustJson(relay) });
  else run.terminal.stdout.write(await readyText({ ...ready, front, demo, trust: trustText(relay) }));
  const signal = await stop.asked;
  logger.info('ending', { signal });
}

interface UpAgent {
  readonly demo: boolean;
  readonly relay: Awaited<ReturnType<typeof startRelay>>;
  readonly front: Front | undefined;
  readonly logger: ReturnType<typeof loggerFor>;
}

async function startUpAgent(loaded: Loaded, { demo, relay, front, logger }: UpAgent) {
  const { config } = loaded;
  const options = agentOptions(loaded, logger.child({ part: 'agent' }));
  const caFile = front?.caFile;
  const { data } = config;
  const token = await uplinkToken({ data, topic: '**', relay });
  const uplink = front?.uplink ?? relay.url;
  const outgoing = { ...options.outgoing, ...(caFile !== undefined && { caFile }) };
  await enrolUp({ data, relay, uplink, outgoing, logger });
  try {
    return await startAgent({
      ...options,
      outgoing,
      sources: [...(options.sources ?? []), ...(demo ? [demoSource(DEMO)] : [])],
      share: { relay: uplink, token },
    });
  } catch (error) {
    // The agent does not know that here --listen is the relay's.
    if (!(error instanceof AgentError) || error.code !== 'port-in-use') throw error;
    throw new CliError(
      'failed',
      `The agent's port ${formatAddress(config['agent.listen'])} is in use, perhaps by another agent. Stop that, or choose another with --agent_listen HOST:PORT.`,
      { cause: error },
    );
  }
}

interface Ready {
  readonly relay: string;
  readonly agent: string;
  readonly captures: string | undefined;
  readonly signIn: string;
  readonly front: Front | undefined;
  readonly demo: boolean;
  readonly trust: string;
}

async function readyText({ relay, agent, captures, signIn, front, demo, trust }: Ready): Promise<string> {
  const picture = front ? `\n${await front.picture(signIn)}` : '';
  return `Perch is running${demo ? ', with a demo' : ''}. Ctrl-C ends it.

  open the app  ${signIn}
                one use, 15 minutes; this browser then stays signed in
${trust}  relay         ${relay}
  agent         ${agent}
  your picture  ffmpeg … -f mpegts ${agent}/ts/NAME
${captures === undefined ? '' : `  your films    ${captures}\n`}${picture}
`;
}
