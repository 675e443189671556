import { statSync } from 'node:fs';
import type { Command } from 'commander';
import { BadValue, parseAddress } from '../config/units.ts';
import { CliError } from '../errors.ts';
import type { Run } from '../terminal.ts';

interface Flags {
  readonly cert?: string;
  readonly key?: string;
  readonly motion_file_list?: string;
  readonly input_port?: string;
  readonly cam_addr?: string;
}

/** The command line of cloudtalker (COMPAT 4.1): understood and checked, so that a device's set-up can be prepared. */
export function addCloudtalker(program: Command, _run: Run): void {
  program
    .command('cloudtalker', { hidden: true })
    .description("cloudtalker's command line, run by Perch")
    .option('-c, --cert <FILE>', 'client certificate, PEM')
    .option('-k, --key <FILE>', 'its key, PEM')
    .option('-e, --endpoint <HOST:PORT/PATH>', 'where captures go', 'ds.dsservers.net:8080/ds/v3')
    .option('--motion_file_list <FILE>', 'list of segments, or - for standard input')
    .option('--input_sock <PATH>', 'unix socket on which segments are named')
    .option('--input_port <N>', 'TCP port on which segments are named')
    .option('--cam_sock <PATH>', 'unix datagram socket of the camera program')
    .option('--cam_addr <HOST:PORT>', "the camera program's address")
    .addHelpText(
      'after',
      '\nExample:\n  cloudtalker -c cert.pem -k key.pem -e relay.example:8080/ds/v3 --input_port 9000',
    )
    .action((flags: Flags) => {
      check(flags);
      throw new CliError(
        'failed',
        'This command line is right, but this version of Perch does not send captures yet. Keep the old cloudtalker running for now; live feeds work already: see "perch agent --help".',
      );
    });
}

function check({ cert, key, motion_file_list: list, input_port: port, cam_addr: camera }: Flags): void {
  for (const [flag, file] of Object.entries({ '--cert': cert, '--key': key })) {
    if (file === undefined)
      throw new CliError('misused', `${flag} FILE is needed: the device shows who it is with it`);
    if (!statSync(file, { throwIfNoEntry: false })?.isFile())
      throw new CliError('misused', `${flag}: there is no file ${file}`);
  }
  if (list !== undefined && list !== '-' && !statSync(list, { throwIfNoEntry: false })) {
    throw new CliError('misused', `--motion_file_list: there is no file ${list}`);
  }
  if (port !== undefined && !(/^\d+$/.test(port) && Number(port) <= 65_535)) {
    throw new CliError('misused', `--input_port must be a port from 0 to 65535, not "${port}"`);
  }
  if (camera === undefined) return;
  try {
    parseAddress(camera);
  } catch (error) {
    if (error instanceof BadValue) throw new CliError('misused', `--cam_addr ${error.message}`);
    throw error;
  }
}
