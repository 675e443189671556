import { AgentError } from '../errors.ts';
import { isLoopback } from '../loopback.ts';

/**
 * A relay's address as somebody typed it.
 *
 * @returns it as it is kept: `https://relay.example`, without a slash at its end.
 * @throws {AgentError} `bad-setting` saying what it must be: a code or a signature never goes out in clear.
 */
export function relayAddress(given: string): string {
  const url = URL.parse(/^[a-z]+:\/\//i.test(given) ? given : `https://${given}`);
  const isRight = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname));
  if (url && isRight && url.hostname && !url.username && !url.password && !url.search && !url.hash) {
    return url.href.replace(/\/+$/, '');
  }
  throw new AgentError(
    'bad-setting',
    `"${given}" is no address of a relay: give https://HOST or https://HOST:PORT, with http:// on this machine only`,
  );
}

/** Whether it can be the address of a relay. */
export function isRelayAddress(given: string): boolean {
  try {
    return relayAddress(given) !== '';
  } catch {
    return false; // says why; nobody asked
  }
}

/** Whether an address, of a WebSocket too, is at this relay. */
export function isAt(relay: string, url: string): boolean {
  const plain = url.replace(/^ws/i, 'http');
  return plain === relay || plain.startsWith(`${relay}/`);
}

/** The relay that an address is at: the one of these that it begins with, else its origin. */
export const relayOf = (url: string, relays: readonly string[]): string =>
  relays.find((relay) => isAt(relay, url)) ?? new URL(url.replace(/^ws/i, 'http')).origin;
