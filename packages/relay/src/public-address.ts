import { isIP } from 'node:net';
import { isLoopback } from './auth/plain-http.ts';
import { machineNames } from './tls/machine-names.ts';

/** Under which name or address people reach the relay, and on which port if not on the one that it listens on. */
export interface PublicAddress {
  readonly host: string;
  readonly port?: number;
}

/**
 * What people's links begin with: `https://relay.example`, without a slash at its end. Without a chosen name: on loopback
 * `localhost`, which passkeys and cookies need; where all addresses are listened on, the machine's first one.
 *
 * @param at.port that the relay listens on.
 */
export function publicBase(at: {
  readonly listenHost: string;
  readonly port: number;
  readonly isTls: boolean;
  readonly chosen?: PublicAddress | undefined;
}): string {
  const { listenHost, port, isTls, chosen } = at;
  // Under a chosen name it is HTTPS, if not here then at the proxy in front, which has a port of its own.
  if (chosen) return address('https', chosen.host, chosen.port ?? (isTls ? port : 443));
  const scheme = isTls ? 'https' : 'http';
  if (isLoopback(listenHost)) return address(scheme, 'localhost', port);
  const isEvery = listenHost === '0.0.0.0' || listenHost === '::';
  return address(scheme, isEvery ? ownAddress() : listenHost, port);
}

const address = (scheme: 'http' | 'https', host: string, port: number): string =>
  `${scheme}://${host.includes(':') ? `[${host}]` : host}${port === (scheme === 'https' ? 443 : 80) ? '' : `:${port}`}`;

const ownAddress = (): string =>
  machineNames().find((name) => isIP(name) === 4 && !isLoopback(name)) ?? 'localhost';
