import { randomBytes } from 'node:crypto';
import type { Relay, RelayOptions } from '@perch/relay';
import type { Config } from '../config/settings.ts';
import { BadValue, formatAddress, parseAddress } from '../config/units.ts';
import { CliError } from '../errors.ts';
import { selfMadeCertificate } from '../self-made-certificate.ts';
import { isLoopback } from './relay.ts';

/** How `perch up --public HOST` looks from outside. */
export interface Front {
  /** Instead of the relay's own options. */
  readonly relay: Pick<RelayOptions, 'listen' | 'appSecret'> & {
    readonly tls: NonNullable<RelayOptions['tls']>;
  };
  /** What the agent must trust to reach the relay, where the certificate is our own. */
  readonly caFile: string | undefined;
  /** Where the agent beside it reaches the relay: a name that the certificate has. */
  uplinkBase(port: number): string;
  /** The sign-in link under the public name. */
  link(relay: Relay): Promise<string>;
  /** The link as a picture for a phone's camera, in characters. */
  picture(link: string): Promise<string>;
  readonly warning: string;
}

/**
 * Prepares HTTPS under a public name: with the certificate that is given, else with one made here.
 *
 * @throws {CliError} where the name or the certificate cannot be used.
 */
export async function publicFront(given: string, config: Config): Promise<Front> {
  const { host, port } = publicAddress(given);
  const cert = config['relay.tls_cert'];
  const key = config['relay.tls_key'];
  const isOwn = cert === undefined || key === undefined;
  const listen = config['relay.listen'];
  const isWide = isLoopback(listen.host) || listen.host === '0.0.0.0' || listen.host === '::';
  const here = isWide ? '127.0.0.1' : listen.host;
  const tls = isOwn ? await selfMadeCertificate({ data: config.data, names: [host, here] }) : { cert, key };
  const appSecret = randomBytes(24).toString('base64url');
  return {
    relay: { listen: { ...listen, host: isLoopback(listen.host) ? '0.0.0.0' : listen.host }, tls, appSecret },
    caFile: isOwn ? tls.cert : config['agent.extra_ca'],
    uplinkBase: (bound) =>
      `https://${formatAddress(isOwn ? { host: here, port: bound } : { host, port: port ?? bound })}`,
    async link(relay) {
      // It spends nothing to ask: the relay hands out the secret that it was given.
      const { hash } = new URL(await relay.signInLink());
      return `https://${formatAddress({ host, port: port ?? relay.port })}/${hash}`;
    },
    async picture(link) {
      const qrcode = await import('qrcode');
      return qrcode.toString(link, { type: 'terminal', small: true });
    },
    warning: isOwn
      ? 'The certificate was made here, so the browser warns once; go on to the page. With --tls_cert and --tls_key it does not.\n'
      : '',
  };
}

/** `HOST` or `HOST:PORT`. */
function publicAddress(given: string): { host: string; port: number | undefined } {
  try {
    if (/^(\[[^\]]+\]|[^:]+):\d+$/.test(given)) return parseAddress(given);
    const { host } = parseAddress(`${given.includes(':') ? `[${given}]` : given}:0`);
    return { host, port: undefined };
  } catch (error) {
    if (!(error instanceof BadValue)) throw error;
    throw new CliError(
      'misused',
      `--public must be a name or an address such as camera.example or 192.168.1.20, not "${given}"`,
    );
  }
}
