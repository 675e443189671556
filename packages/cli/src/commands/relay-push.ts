import { readFileSync } from 'node:fs';
import type { RelayOptions } from '@perch/relay';
import type { Command } from 'commander';
import type { Config, SettingKey } from '../config/settings.ts';
import { CliError } from '../errors.ts';

/** The flags that {@link withPush} adds, and the settings they are. */
export const pushFlags = {
  push_origin: 'relay.push_origin',
  extra_ca: 'relay.extra_ca',
} as const satisfies Readonly<Record<string, SettingKey>>;

/** Adds what says to which push services a relay speaks, and whom it trusts there. */
export function withPush(command: Command): Command {
  return command
    .option('--push_origin <ORIGIN...>', 'push services that browsers may name (default: all public ones)')
    .option('--extra_ca <FILE>', 'PEM certificates to trust when it sends pushes, as those of a proxy');
}

/** What the configuration says of it, as the relay wants it. @throws {CliError} where `extra_ca` cannot be read. */
export function pushOptions(config: Config): Required<Pick<RelayOptions, 'push'>> {
  const ca = config['relay.extra_ca'];
  return { push: { origins: config['relay.push_origin'], ...(ca !== undefined && { ca: readPem(ca) }) } };
}

function readPem(path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new CliError('misused', `extra_ca: ${path} cannot be read (${(cause as Error).message})`, {
      cause,
    });
  }
  if (text.includes('-----BEGIN CERTIFICATE-----')) return text;
  throw new CliError('misused', `extra_ca: ${path} holds no PEM certificate (-----BEGIN CERTIFICATE-----)`);
}
