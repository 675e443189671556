import { type LookupAddress, type LookupOptions, lookup } from 'node:dns';
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** Whether an address is one of the public network: not of this machine, a house, or a provider's inside. */
export function isPublicAddress(address: string): boolean {
  if (isIP(address) === 0) return false;
  const parsed = ipaddr.process(address);
  const range = parsed.range();
  // RFC 6052 2.1: where only IPv6 is spoken, 64:ff9b::/96 leads to the IPv4 address in its last four bytes.
  if (range === 'rfc6052') {
    return ipaddr.fromByteArray(parsed.toByteArray().slice(12)).range() === 'unicast';
  }
  return range === 'unicast';
}

/**
 * Looks a name up as `dns.lookup` does, but finds public addresses only: for calls to where somebody else says. Looked at
 * here, and not before, a name that leads elsewhere a moment later leads nowhere.
 */
export function publicLookup(
  hostname: string,
  options: LookupOptions,
  done: (error: Error | null, address: string | LookupAddress[], family?: number) => void,
): void {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error) return done(error, []);
    const found = addresses.filter(({ address }) => isPublicAddress(address));
    const [first] = found;
    if (!first) return done(new Error(`${hostname} is at no public address`), []);
    if (options.all) done(null, found);
    else done(null, first.address, first.family);
  });
}
