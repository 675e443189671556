import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { RelayError } from '../errors.ts';

/** Whether only this machine reaches what listens there. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '');
  if (isIP(bare) === 0) return /^(.+\.)?localhost$/i.test(bare);
  return ipaddr.process(bare.replace(/%.*$/, '')).range() === 'loopback';
}

/**
 * Where a relay may listen without TLS: on loopback, and beyond it for its own proxies alone.
 *
 * @throws {RelayError} `plain-http`, with what to do.
 */
export function checkPlainHttp(options: {
  readonly host: string;
  readonly trustProxy: readonly string[];
}): void {
  if (isLoopback(options.host) || options.trustProxy.length > 0) return;
  throw new RelayError(
    'plain-http',
    `On ${options.host} others could read passwords, tokens and pictures on their way: there the relay speaks TLS only. Give it a certificate with --tls_cert FILE --tls_key FILE; or, behind a proxy that ends TLS, name that proxy's address with --trust_proxy CIDR; or listen on 127.0.0.1.`,
  );
}
