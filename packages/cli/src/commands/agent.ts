import { type Agent, type AgentOptions, keepHeapTight, startAgent } from '@perch/agent';
import type { Logger } from '@perch/runtime';
import type { Command } from 'commander';
import { captureFlags, captureOptions, capturesAt, withCaptures } from '../capture-options.ts';
import { type Loaded, loadConfig } from '../config/load.ts';
import type { ConfiguredSource } from '../config/settings.ts';
import { flagLayer, withSettings } from '../flags.ts';
import { motionFlags, motionSettings, withMotion } from '../motion-options.ts';
import { webRoot } from '../places.ts';
import { Stop } from '../stop.ts';
import { loggerFor, type Run, writeJson } from '../terminal.ts';

export interface AgentFlags {
  readonly config?: string;
  readonly json?: boolean;
}

export function addAgent(program: Command, run: Run): void {
  agentFlags(program.command('agent').aliases(['stream', 'host']))
    .description('run the device side: encoders post their feeds here, and rules say where they go')
    .addHelpText(
      'after',
      '\nExample:\n  perch agent --listen 127.0.0.1:8888 --data /var/lib/perch\n  ffmpeg -i /dev/video0 -f mpegts http://127.0.0.1:8888/ts/video0',
    )
    .action((flags: AgentFlags) => runAgent(run, flags));
}

export function agentFlags(command: Command): Command {
  return withMotion(withCaptures(withSettings(command)))
    .option('--listen <HOST:PORT>', 'where to listen (default: 127.0.0.1:8888; port 0 picks a free one)')
    .option('--public_host <NAME>', 'a further name under which it may be called')
    .option('--allow_origin <ORIGIN...>', 'web pages that may use it, such as https://lab.example')
    .option('--trust <CIDR...>', 'networks whose publishers need no token, such as a Compose bridge')
    .option('--extra_ca <FILE>', 'PEM certificates to trust on outgoing connections')
    .option('--json', 'one JSON line when ready, then logs in JSON');
}

/** Runs an agent until a signal comes. */
export async function runAgent(run: Run, flags: AgentFlags): Promise<void> {
  keepHeapTight();
  using stop = new Stop();
  const json = flags.json ?? false;
  const loaded = loadConfig({
    program: 'agent',
    file: flags.config,
    env: run.terminal.env,
    flags: flagLayer(flags as Record<string, unknown>, {
      listen: 'agent.listen',
      public_host: 'agent.public_host',
      allow_origin: 'agent.allow_origin',
      trust: 'agent.trust',
      extra_ca: 'agent.extra_ca',
      ...captureFlags,
      ...motionFlags,
    }),
  });
  const logger = loggerFor(run.terminal, { level: loaded.config.log_level, json });
  for (const warning of loaded.warnings) logger.warn(warning);
  await using agent = await startAgent(agentOptions(loaded, logger));
  if (json) writeJson(run.terminal, { event: 'ready', agent: agent.url, captures: capturesAt(agent) });
  else run.terminal.stdout.write(readyText(agent));
  const signal = await stop.asked;
  logger.info('ending', { signal });
}

/** What the configuration says, as the agent wants it. */
export function agentOptions({ config, proxy }: Loaded, logger: Logger): AgentOptions {
  const web = webRoot();
  return {
    listen: config['agent.listen'],
    data: config.data,
    allowOrigin: config['agent.allow_origin'],
    trust: config['agent.trust'],
    httpWaitMs: config['agent.http_wait'],
    sources: config['agent.sources'].map(source),
    destinations: config['agent.destinations'],
    captures: captureOptions(config),
    motion: motionSettings(config),
    outgoing: {
      proxy,
      ...(config['agent.extra_ca'] !== undefined && { caFile: config['agent.extra_ca'] }),
    },
    ...(config['agent.public_host'] !== undefined && { publicHost: config['agent.public_host'] }),
    ...(config['agent.vw_api'] !== undefined && { vwApi: config['agent.vw_api'] }),
    ...(web !== undefined && { webRoot: web }),
    logger,
  };
}

const source = ({ feed, command }: ConfiguredSource) => ({
  name: feed,
  feed,
  command: (url: string) => command.map((part) => part.replaceAll('{url}', url)),
});

function readyText(agent: Agent): string {
  const { url } = agent;
  const captures = capturesAt(agent);
  return `The agent runs at ${url}
  feeds in    ffmpeg … -f mpegts ${url}/ts/NAME
  rules       ${url}/api/streams, ${url}/api/destinations
${captures === undefined ? '' : `  films in    ${captures}, as {"segment": "FILE"}\n`}`;
}
