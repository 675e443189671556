import { isIPv4 } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';
import { permits } from './name-constraints.ts';

/**
 * What this machine may be called on its networks: `localhost`, its host name, the name that multicast DNS gives it,
 * and its addresses. Of the IPv6 addresses only those of a house: the others change from day to day.
 */
export function machineNames(): string[] {
  const host = hostname().toLowerCase();
  const label = host.split('.', 1)[0] as string;
  const addresses = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .map(({ address }) => address)
    .filter((address) => isIPv4(address) || (permits([], address) && !/^fe[89ab]/i.test(address)));
  const names = isDnsName(host) ? [host, `${label}.local`] : [];
  return [...new Set(['localhost', '127.0.0.1', '::1', ...names, ...addresses])];
}

/** RFC 1123 2.1: letters, digits and hyphens, in parts of at most 63. */
export const isDnsName = (name: string): boolean =>
  name.length <= 253 &&
  name.split('.').every((part) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i.test(part)) &&
  !/^[\d.]+$/.test(name);
