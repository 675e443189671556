import { resolve } from 'node:path';
import type { Agent, AgentOptions } from '@perch/agent';
import type { Command } from 'commander';
import type { Config, SettingKey } from './config/settings.ts';
import { formatAddress } from './config/units.ts';

/** The flags of captures, and the settings that they are. */
export const captureFlags = {
  input_port: 'agent.input_port',
  input_sock: 'agent.input_sock',
  input_dir: 'agent.input_dir',
  capture_dir: 'agent.capture_dir',
  motion_file_list: 'agent.motion_file_list',
  cam_addr: 'agent.cam_addr',
  cam_sock: 'agent.cam_sock',
  spool_size: 'agent.spool_size',
  spool_age: 'agent.spool_age',
  upload_rate: 'agent.upload_rate',
} as const satisfies Record<string, SettingKey>;

/** Adds what says where films come from and where commands go. */
export function withCaptures(command: Command): Command {
  return command
    .option(
      '--input_port <N|none>',
      'where camera programs name their films: a port of loopback, or HOST:PORT (default: 9000, if it is free)',
    )
    .option('--input_sock <PATH>', 'a unix socket for the same')
    .option(
      '--input_dir <DIR>',
      'where relative names of films are looked for (default: the working directory)',
    )
    .option('--capture_dir <DIR>', 'take only films below it')
    .option('--motion_file_list <FILE>', 'a file or named pipe that lists films, or - for standard input')
    .option('--cam_addr <HOST:PORT>', 'where the camera program listens for commands, by UDP')
    .option('--cam_sock <PATH>', 'its unix datagram socket; wins over --cam_addr')
    .option(
      '--spool_size <SIZE>',
      'most that films may take while they wait, such as 20Gi (default: no limit)',
    )
    .option('--spool_age <TIME>', 'give films up that wait longer, such as 30d (default: never)')
    .option('--upload_rate <SIZE>', 'most bytes per second of films, such as 500k (default: no limit)');
}

const USUAL = { host: '127.0.0.1', port: 9000 };

/** What the configuration says of captures, as the agent wants it. */
export function captureOptions(config: Config): NonNullable<AgentOptions['captures']> {
  const port = config['agent.input_port'];
  const sock = config['agent.input_sock'];
  const camera = config['agent.cam_sock'];
  const address = config['agent.cam_addr'];
  const given = (key: SettingKey, name: string) => (config[key] === undefined ? {} : { [name]: config[key] });
  const givenDirectory = (key: 'agent.input_dir' | 'agent.capture_dir', name: string) => {
    const directory = config[key];
    return directory === undefined ? {} : { [name]: resolve(directory) };
  };
  return {
    inputs: [
      ...(port === undefined || port === 'none' ? [] : [port]),
      ...(sock === undefined ? [] : [{ path: sock }]),
    ],
    // Another program may have had the port long before there was Perch.
    ...(port === undefined && sock === undefined && { inputIfFree: USUAL }),
    ...givenDirectory('agent.input_dir', 'inputDirectory'),
    ...givenDirectory('agent.capture_dir', 'captureDirectory'),
    ...given('agent.motion_file_list', 'fileList'),
    ...(camera !== undefined ? { camera: { path: camera } } : address && { camera: address }),
    ...given('agent.spool_size', 'mostBytes'),
    ...given('agent.spool_age', 'mostAge'),
    ...given('agent.upload_rate', 'mostPerSecond'),
  };
}

/** Where camera programs can connect, for the ready line. Undefined: nowhere. */
export function capturesAt({ captures }: Agent): string | undefined {
  const [first] = captures;
  if (!first) return undefined;
  return 'path' in first ? first.path : formatAddress(first);
}
