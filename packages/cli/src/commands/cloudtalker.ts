import { statSync } from 'node:fs';
import { join } from 'node:path';
import { startCloudtalker } from '@perch/agent';
import { systemClock } from '@perch/runtime';
import type { Command } from 'commander';
import { captureFlags, captureOptions } from '../capture-options.ts';
import { loadConfig } from '../config/load.ts';
import { formatAddress } from '../config/units.ts';
import { CliError } from '../errors.ts';
import { flagLayer } from '../flags.ts';
import { Stop } from '../stop.ts';
import { loggerFor, type Run, writeJson } from '../terminal.ts';

interface Flags {
  readonly cert?: string;
  readonly key?: string;
  readonly endpoint: string;
  readonly motion_file_list?: string;
  readonly extra_ca?: string;
  readonly insecure?: boolean;
  readonly json?: boolean;
}

/** The command line of cloudtalker (COMPAT 4.1): films to a cloud of its own kind, commands back. */
export function addCloudtalker(program: Command, run: Run): void {
  program
    .command('cloudtalker', { hidden: true })
    .description("cloudtalker's command line, run by Perch")
    .option('-c, --cert <FILE>', 'client certificate, PEM')
    .option('-k, --key <FILE>', 'its key, PEM')
    .option('-e, --endpoint <HOST:PORT/PATH>', 'where captures go', 'ds.dsservers.net:8080/ds/v3')
    .option('--motion_file_list <FILE>', 'list of segments, or - for standard input')
    .option('--input_sock <PATH>', 'unix socket on which segments are named; wins over --input_port')
    .option('--input_port <N>', 'port of loopback, or HOST:PORT, on which segments are named')
    .option('--cam_sock <PATH>', 'unix datagram socket of the camera program; wins over --cam_addr')
    .option('--cam_addr <HOST:PORT>', "the camera program's address")
    .option(
      '--input_dir <DIR>',
      'where relative names of segments are looked for (default: the working directory)',
    )
    .option('--capture_dir <DIR>', 'take only segments below it')
    .option('--extra_ca <FILE>', 'PEM certificates to trust besides the usual ones')
    .option('--insecure', 'take any server for the right one, as the old cloudtalker did')
    .option('--data <DIR>', 'where segments wait (default: $XDG_STATE_HOME/perch)')
    .option('--log_level <LEVEL>', 'error, warn, info or debug (default: info)')
    .option('--json', 'one JSON line when ready, then logs in JSON')
    .addHelpText(
      'after',
      '\nExample:\n  cloudtalker -c cert.pem -k key.pem -e relay.example:8080/ds/v3 --input_port 9000',
    )
    .action((flags: Flags) => runCloudtalker(run, flags));
}

async function runCloudtalker(run: Run, flags: Flags): Promise<void> {
  const cert = fileOf('--cert', flags.cert);
  const key = fileOf('--key', flags.key);
  const { motion_file_list: list, endpoint } = flags;
  if (list !== undefined && list !== '-' && !statSync(list, { throwIfNoEntry: false }))
    throw new CliError('misused', `--motion_file_list: there is no file ${list}`);
  if (!URL.canParse(`wss://${endpoint}`))
    throw new CliError('misused', `--endpoint must be HOST:PORT/PATH, not "${endpoint}"`);
  using stop = new Stop();
  const { config } = loadConfig({
    program: 'tool',
    env: run.terminal.env,
    flags: flagLayer(flags as unknown as Record<string, unknown>, {
      ...captureFlags,
      extra_ca: 'agent.extra_ca',
    }),
  });
  const json = flags.json ?? false;
  const logger = loggerFor(run.terminal, { level: config.log_level, json });
  if (flags.insecure) logger.warn('any server is taken for the right one (--insecure)');
  const caFile = config['agent.extra_ca'];
  const { inputIfFree: _, ...captures } = captureOptions(config);
  await using device = await startCloudtalker({
    cert,
    key,
    endpoint,
    insecure: flags.insecure ?? false,
    ...(caFile !== undefined && { caFile }),
    // An agent on the same machine has a spool of its own.
    data: join(config.data, 'cloudtalker'),
    captures,
    clock: systemClock,
    logger,
  });
  const [first] = device.addresses;
  const at = first && ('path' in first ? first.path : formatAddress(first));
  if (json) writeJson(run.terminal, { event: 'ready', captures: at });
  else
    run.terminal.stdout.write(
      `Films are taken${at === undefined ? '' : ` at ${at}`} and go to ${endpoint}\n`,
    );
  const signal = await stop.asked;
  logger.info('ending', { signal });
}

function fileOf(flag: string, file: string | undefined): string {
  if (file === undefined)
    throw new CliError('misused', `${flag} FILE is needed: the device shows who it is with it`);
  if (!statSync(file, { throwIfNoEntry: false })?.isFile())
    throw new CliError('misused', `${flag}: there is no file ${file}`);
  return file;
}
