import type { Visitor } from '../people/callers.ts';
import { isSecure } from './trusted-proxies.ts';

/**
 * Whether the page that asks was served under the very name that it asks. Over TLS a page that came without TLS is
 * another: anybody on the way may have written it. A page over TLS may ask where we see none: a proxy that is not known
 * to us ended it.
 */
export function isSameOrigin(visitor: Visitor): boolean {
  const { origin: said, host } = visitor.headers;
  if (said === undefined || host === undefined) return false;
  const origin = URL.parse(said);
  if (!origin || !/^https?:$/.test(origin.protocol)) return false;
  if (origin.protocol === 'http:' && isSecure('raw' in visitor ? visitor.raw : visitor)) return false;
  // Parsed by the origin's own scheme, so that a default port counts as none on both sides.
  return origin.host === URL.parse(`${origin.protocol}//${host}`)?.host;
}
