import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** Whether only this machine reaches what listens there, or has this address. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '');
  if (isIP(bare) === 0) return /^(.+\.)?localhost$/i.test(bare);
  return ipaddr.process(bare.replace(/%.*$/, '')).range() === 'loopback';
}

/**
 * Whether a relay may listen there without TLS: on loopback, and beyond it for proxies of its own alone
 * (`TrustedProxies.settle` refuses everybody else).
 */
export const mayBePlain = (options: {
  readonly host: string;
  readonly trustProxy: readonly string[];
}): boolean => isLoopback(options.host) || options.trustProxy.length > 0;
