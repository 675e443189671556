import type { IncomingMessage } from 'node:http';
import ipaddr from 'ipaddr.js';

type Address = ReturnType<typeof ipaddr.process>;
export type Network = readonly [Address, number];

/** Everything that a proxy may say about who is behind it, and that nobody else is believed. */
const FORWARDED = [
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
  'x-forwarded-port',
  'forwarded',
];
const NEAR: readonly string[] = ['loopback', 'private', 'linkLocal', 'uniqueLocal'];
/** A proxy's chain is walked no further than this. */
const MOST_HOPS = 16;

/**
 * Which machines are our own proxies, and are believed when they say for whom they ask. What they say is put into the
 * request once, before anybody looks at it; what anybody else says is taken out. So whoever reads `Host`,
 * `X-Forwarded-For` and `X-Forwarded-Proto` later reads what is known, and cannot forget to ask who said it.
 */
export class TrustedProxies {
  readonly #networks: readonly Network[];
  #onStranger: ((address: string) => void) | undefined;

  /**
   * @param options.networks addresses or CIDR networks.
   * @param options.onStranger called once, with the first address that looks like a proxy's and is not among them.
   * @throws {TypeError} naming `trustProxy` and the one that is no network.
   */
  constructor(options: { networks: readonly string[]; onStranger?: (address: string) => void }) {
    this.#networks = options.networks.map(parseNetwork);
    this.#onStranger = options.onStranger;
  }

  /**
   * Makes the request's headers say what is known: `x-forwarded-for` the one address of the caller, where a proxy of ours
   * named it; `x-forwarded-proto` its scheme; `host` what it called us. Without such a proxy there are no such headers.
   *
   * @returns false where it may not be answered: plain HTTP from another machine that is no proxy of ours.
   */
  settle(request: IncomingMessage): boolean {
    const { headers, socket } = request;
    const said = {
      addresses: entries(headers['x-forwarded-for']),
      schemes: entries(headers['x-forwarded-proto']),
      hosts: entries(headers['x-forwarded-host']),
    };
    const isForwarded = said.addresses.length > 0 || said.schemes.length > 0;
    for (const name of FORWARDED) delete headers[name];
    const peer = parseAddress(socket.remoteAddress ?? '');
    if (!peer) return false; // it has left already
    if (!this.#trusts(peer)) {
      if (isForwarded) this.#noteStranger(peer);
      return isEncrypted(request) || peer.range() === 'loopback';
    }
    const { caller, hops } = this.#walk(peer, said.addresses);
    headers['x-forwarded-for'] = caller.toString();
    const scheme = said.schemes.at(-hops) ?? said.schemes[0];
    if (scheme !== undefined) headers['x-forwarded-proto'] = /^(https|wss)$/i.test(scheme) ? 'https' : 'http';
    const host = said.hosts.at(-hops) ?? said.hosts[0];
    if (host !== undefined && isHost(host)) headers.host = host;
    return true;
  }

  /** Whether this is a proxy of ours. */
  trusts(address: string): boolean {
    const parsed = parseAddress(address);
    return parsed !== undefined && this.#trusts(parsed);
  }

  /**
   * From the right, where the proxy next to us wrote, to the first that is none of ours: what stands left of that one
   * anybody may have written.
   */
  #walk(peer: Address, addresses: readonly string[]): { readonly caller: Address; readonly hops: number } {
    let caller = peer;
    let hops = 0;
    while (hops < MOST_HOPS && this.#trusts(caller)) {
      const next = parseAddress(addresses.at(-1 - hops) ?? '');
      if (!next) break;
      caller = next;
      hops++;
    }
    return { caller, hops: Math.max(1, hops) };
  }

  #trusts(address: Address): boolean {
    return this.#networks.some(
      ([network, bits]) => network.kind() === address.kind() && address.match(network, bits),
    );
  }

  /** Only what is near can be a proxy that somebody forgot to name; others may say what they like. */
  #noteStranger(peer: Address): void {
    if (!NEAR.includes(peer.range())) return;
    this.#onStranger?.(peer.toString());
    this.#onStranger = undefined;
  }
}

/** What is said where {@link TrustedProxies.settle} is false. */
export const NO_PLAIN_HTTP =
  'this relay speaks plain HTTP with its own proxies only: use the https address, or start it with --trust_proxy';

/** Whether the request came over TLS: to us, or to a proxy of ours that says so. After {@link TrustedProxies.settle}. */
export const isSecure = (request: IncomingMessage): boolean =>
  isEncrypted(request) || request.headers['x-forwarded-proto'] === 'https';

/** A host name or address as `Host` has it, with or without a port. */
export const isHost = (text: string): boolean =>
  text.length <= 261 && /^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?$/.test(text);

const isEncrypted = ({ socket }: IncomingMessage): boolean =>
  'encrypted' in socket && socket.encrypted === true;

const entries = (value: string | string[] | undefined): readonly string[] =>
  (Array.isArray(value) ? value.join(',') : (value ?? ''))
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');

/** An address, also with the port that some proxies add; one of IPv4 in IPv6's clothes is one of IPv4. */
function parseAddress(text: string): Address | undefined {
  const bare =
    /^\[([^\]]+)\](?::\d+)?$/.exec(text)?.[1] ?? /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(text)?.[1] ?? text;
  // Nothing else: ipaddr.js also understands `127.1` and `0x7f.1`, and interfaces (`fe80::1%eth0`).
  const plain = bare.replace(/%.*$/, '');
  const isPlain = ipaddr.IPv4.isValidFourPartDecimal(plain) || ipaddr.IPv6.isValid(plain);
  return isPlain ? ipaddr.process(plain) : undefined;
}

/** @throws {TypeError} where it is neither a network nor an address. */
export function parseNetwork(text: string): Network {
  const [address = '', length] = text.split('/', 2);
  const parsed = parseAddress(address);
  const most = parsed?.kind() === 'ipv4' ? 32 : 128;
  const bits = length === undefined ? most : /^\d{1,3}$/.test(length) ? Number(length) : Number.NaN;
  if (parsed && bits <= most && text.split('/').length <= 2) return [parsed, bits];
  throw new TypeError(`trustProxy: "${text}" is no network such as 10.0.0.0/8, or address such as 127.0.0.1`);
}
