const PREFIX = 'bearer.';

/**
 * The subprotocol that carries a token in a WebSocket handshake, for those who cannot set headers: a browser. Offer it
 * behind the one that is to be spoken, which is the one that is chosen; this one never is, so no answer repeats it. An
 * address never carries a token: addresses are kept by histories, proxies and logs.
 *
 * @throws {TypeError} where the token has characters that a subprotocol cannot have (RFC 9110 5.6.2). Ours have none.
 */
export function bearerProtocol(token: string): string {
  if (!/^[\w!#$%&'*+.^`|~-]+$/.test(token)) {
    throw new TypeError('token: it has characters that cannot be in a WebSocket handshake');
  }
  return PREFIX + token;
}

/** The token among the subprotocols that are offered. @param offered the header's value (RFC 6455 11.3.4). */
export function bearerToken(offered: string | undefined): string | undefined {
  for (const name of offered?.split(',') ?? []) {
    const protocol = name.trim();
    if (protocol.startsWith(PREFIX) && protocol.length > PREFIX.length) return protocol.slice(PREFIX.length);
  }
  return undefined;
}
