import { readFileSync } from 'node:fs';
import type { Relay, RelayOptions } from '@perch/relay';
import type { Command } from 'commander';
import type { Config, SettingKey } from '../config/settings.ts';
import { CliError } from '../errors.ts';

/** The flags that {@link withTls} adds, and the settings they are. */
export const tlsFlags = {
  public: 'relay.public',
  tls_cert: 'relay.tls_cert',
  tls_key: 'relay.tls_key',
  acme: 'relay.acme',
  acme_email: 'relay.acme_email',
  acme_directory: 'relay.acme_directory',
  acme_ca: 'relay.acme_ca',
  acme_listen: 'relay.acme_listen',
} as const satisfies Readonly<Record<string, SettingKey>>;

/** Adds what says under which name a relay is reached, and whose certificate it shows. */
export function withTls(command: Command, about: { readonly public: string }): Command {
  return command
    .option('--public <HOST>', about.public)
    .option('--tls_cert <FILE>', 'certificate, PEM (default beyond loopback: one that is made here)')
    .option('--tls_key <FILE>', 'its key, PEM')
    .option('--acme <NAME...>', "get the certificate for these names by ACME (Let's Encrypt)")
    .option('--acme_email <ADDRESS>', 'whom the ACME server may write to')
    .option('--acme_directory <URL>', "another ACME server than Let's Encrypt")
    .option('--acme_ca <FILE>', "PEM certificates that the ACME server's HTTPS is trusted by")
    .option('--acme_listen <HOST:PORT|none>', 'where the ACME server asks in plain HTTP (default: port 80)');
}

/** What the configuration says of it, as the relay wants it. @throws {CliError} where `acme_ca` cannot be read. */
export function tlsOptions(config: Config): Pick<RelayOptions, 'tls' | 'public'> {
  const cert = config['relay.tls_cert'];
  const key = config['relay.tls_key'];
  const [name, ...names] = config['relay.acme'];
  const chosen = config['relay.public'] ?? (name === undefined ? undefined : { host: name });
  return {
    ...(chosen && { public: chosen }),
    ...(cert !== undefined && key !== undefined && { tls: { cert, key } }),
    ...(name !== undefined && { tls: { acme: acmeOptions(config, [name, ...names]) } }),
  };
}

function acmeOptions(config: Config, names: readonly string[]) {
  const email = config['relay.acme_email'];
  const directory = config['relay.acme_directory'];
  const ca = config['relay.acme_ca'];
  const listen = config['relay.acme_listen'] ?? { host: config['relay.listen'].host, port: 80 };
  return {
    names,
    ...(listen !== 'none' && { listen }),
    ...(email !== undefined && { email }),
    ...(directory !== undefined && { directory }),
    ...(ca !== undefined && { directoryCa: readPem(ca) }),
  };
}

function readPem(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new CliError('misused', `acme_ca: ${path} cannot be read (${(cause as Error).message})`, { cause });
  }
}

/** How people come to trust a relay that made its certificate itself; empty where they need not. */
export function trustText(relay: Relay): string {
  const authority = relay.authority();
  if (!authority) return '';
  return `  trust it      ${relay.publicUrl}/trust
                it made its certificate itself: browsers warn until they are told to trust it
  fingerprint   ${authority.fingerprint}
`;
}

/** The same for programs. */
export function trustJson(relay: Relay): { trust?: string; fingerprint?: string } {
  const authority = relay.authority();
  return authority ? { trust: `${relay.publicUrl}/trust`, fingerprint: authority.fingerprint } : {};
}
