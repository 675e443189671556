import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isLoopback, type Relay, type RelayOptions } from '@perch/relay';
import type { Config } from '../config/settings.ts';
import { formatAddress } from '../config/units.ts';
import { CliError } from '../errors.ts';

/** How the agent and a phone reach the relay of `perch up --public HOST`. */
export interface Front {
  /** Where the agent beside it reaches the relay: a name that the certificate has. */
  readonly uplink: string;
  /** What the agent must trust to reach the relay, besides the usual. */
  readonly caFile: string | undefined;
  /** A link as a picture for a phone's camera, in characters. */
  picture(link: string): Promise<string>;
}

/** With a public name the relay listens for others, and so with TLS. */
export function frontOptions(options: RelayOptions): RelayOptions {
  const { listen } = options;
  if (!options.public || !isLoopback(listen.host)) return options;
  return { ...options, listen: { ...listen, host: '0.0.0.0' }, tls: options.tls ?? 'local' };
}

/** @throws {CliError} where the relay's own authority cannot be handed to the agent. */
export function publicFront({ relay, config }: { relay: Relay; config: Config }): Front {
  const authority = relay.authority();
  const extra = config['agent.extra_ca'];
  return {
    uplink: authority
      ? `https://${formatAddress({ host: ownHost(config), port: relay.port })}`
      : relay.publicUrl,
    caFile: authority ? caFile(config.data, authority.certificate, extra) : extra,
    async picture(link) {
      const qrcode = await import('qrcode');
      return qrcode.toString(link, { type: 'terminal', small: true });
    },
  };
}

function ownHost(config: Config): string {
  const { host } = config['relay.listen'];
  return isLoopback(host) || host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
}

/** The relay's authority, and what else the agent was told to trust, in one file. */
function caFile(data: string, certificate: string, extra: string | undefined): string {
  const path = join(data, 'relay-ca.pem');
  try {
    writeFileSync(path, extra === undefined ? certificate : `${certificate}${readFileSync(extra, 'utf8')}`);
  } catch (cause) {
    throw new CliError('failed', `${path} cannot be written: ${(cause as Error).message}`, { cause });
  }
  return path;
}
