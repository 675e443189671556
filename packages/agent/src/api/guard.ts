import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { BlockList, isIP, isIPv4, isIPv6 } from 'node:net';
import { bareHost, isLoopback } from '../loopback.ts';

export interface GuardOptions {
  /** Where the agent listens. */
  readonly listenHost: string;
  readonly publicHost?: string;
  /** Origins of pages, besides the agent's own, that may use it. */
  readonly allowOrigin?: readonly string[];
  /** Networks (CIDR) whose publishers need no token. */
  readonly trust?: readonly string[];
  /** What callers must show. Without it the agent is bound to loopback, and needs none. */
  readonly token?: string;
}

/** Why a request is refused. */
export interface Refusal {
  readonly status: 401 | 403;
  readonly words: string;
}

/** A request that may be carried out; `origin` is the foreign page that may read the answer. */
export interface Pass {
  readonly status: 'pass';
  readonly origin?: string;
}

/**
 * Who may speak to an agent (DESIGN): any web page open on the device can reach loopback, so names and origins are
 * checked at each request, and away from loopback a token is asked for. That a peer says it is local changes nothing.
 */
export class Guard {
  readonly #options: GuardOptions;
  readonly #trusted: BlockList;
  /** Feed by token. */
  readonly #publisherTokens = new Map<string, string>();

  /** @throws {TypeError} naming the option that is wrong. */
  constructor(options: GuardOptions) {
    this.#options = options;
    this.#trusted = networks(options.trust ?? []);
    for (const origin of options.allowOrigin ?? []) checkOrigin(origin);
  }

  get needsToken(): boolean {
    return this.#options.token !== undefined;
  }

  /** Lets the holder of `token` publish on `feed`, and nothing else: for the agent's own sources. */
  admitPublisher(feed: string, token: string): void {
    this.#publisherTokens.set(token, feed);
  }

  judge(request: IncomingMessage, path: string): Pass | Refusal {
    return (
      this.#judgeHost(request) ??
      this.#judgeOrigin(request) ??
      this.#judgeToken(request, path) ??
      this.#pass(request)
    );
  }

  #pass({ headers }: IncomingMessage): Pass {
    const { origin } = headers;
    return origin && this.#options.allowOrigin?.includes(origin)
      ? { status: 'pass', origin }
      : { status: 'pass' };
  }

  /** A name that somebody else's DNS points to this address is not ours. HTTP/1.0 has no Host, and no browser. */
  #judgeHost({ headers, socket }: IncomingMessage): Refusal | undefined {
    const { host } = headers;
    if (host === undefined) return undefined;
    const name = hostName(host);
    const { listenHost, publicHost } = this.#options;
    const isOurs =
      name !== undefined &&
      (isLoopback(name) ||
        name === bareHost(listenHost) ||
        (publicHost !== undefined && name === bareHost(publicHost)) ||
        // An address that the connection really came to cannot be a name that was pointed here.
        (isIP(name) !== 0 && name === unmapped(socket.localAddress ?? '')));
    if (isOurs) return undefined;
    const shown = JSON.stringify(host.slice(0, 100));
    return forbidden(
      `Host ${shown} is not this agent: use localhost or its address, or start it with --public_host`,
    );
  }

  #judgeOrigin({ headers }: IncomingMessage): Refusal | undefined {
    const { origin, host } = headers;
    const allowed = this.#options.allowOrigin ?? [];
    if (origin === undefined) {
      // Images and the like carry no Origin, but a browser says where they come from.
      const site = headers['sec-fetch-site'];
      const isForeign = site === 'cross-site' || site === 'same-site';
      if (!isForeign || headers['sec-fetch-mode'] === 'navigate' || allowed.length > 0) return undefined;
      return forbidden('a page of another origin may not use this agent: start it with --allow_origin');
    }
    if (allowed.includes(origin)) return undefined;
    if (host !== undefined && /^https?:\/\//.test(origin) && origin.replace(/^https?:\/\//, '') === host)
      return undefined;
    const shown = JSON.stringify(origin.slice(0, 100));
    return forbidden(
      `a page of ${shown} may not use this agent: start it with --allow_origin ${origin.slice(0, 100)}`,
    );
  }

  #judgeToken(request: IncomingMessage, path: string): Refusal | undefined {
    const { token } = this.#options;
    if (token === undefined || path === '/healthcheck' || request.method === 'OPTIONS') return undefined;
    const shown = credential(request.headers.authorization);
    if (shown !== undefined && isSame(shown, token)) return undefined;
    const feed = /^\/ts\/(.+)$/.exec(path)?.[1];
    if (feed !== undefined) {
      if (this.#isTrusted(request.socket.remoteAddress ?? '')) return undefined;
      for (const [own, its] of this.#publisherTokens) {
        if (its === feed && shown !== undefined && isSame(shown, own)) return undefined;
      }
    }
    const words =
      shown === undefined
        ? 'this agent asks for its token, since it listens beyond loopback: send `Authorization: Bearer …` (it is in the file agent-token of its data directory)'
        : 'wrong token: the right one is in the file agent-token of the data directory';
    return { status: 401, words };
  }

  #isTrusted(remote: string): boolean {
    const address = unmapped(remote);
    if (isIPv4(address)) return this.#trusted.check(address, 'ipv4');
    return isIPv6(address) && this.#trusted.check(address, 'ipv6');
  }
}

const forbidden = (words: string): Refusal => ({ status: 403, words });

/** The name or address of a `Host` header, or `undefined` where it is none. */
function hostName(host: string): string | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]@/\\]+))(?::\d{1,5})?$/.exec(host);
  return (match?.[1] ?? match?.[2])?.toLowerCase().replace(/\.$/, '');
}

/** An IPv4 address as it is, also where the socket shows it as `::ffff:…`. */
const unmapped = (address: string): string => address.toLowerCase().replace(/^::ffff:(?=\d+\.)/, '');

/** The secret in an Authorization header: `Bearer x`, `Basic` (its password), or the bare secret. */
function credential(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const [scheme = '', value] = header.trim().split(/\s+/, 2);
  if (value === undefined) return scheme;
  if (/^bearer$/i.test(scheme)) return value;
  if (!/^basic$/i.test(scheme)) return undefined;
  const text = Buffer.from(value, 'base64').toString();
  return text.slice(text.indexOf(':') + 1);
}

/** Compares in a time that says nothing of where two secrets differ. */
function isSame(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

function networks(cidrs: readonly string[]): BlockList {
  const list = new BlockList();
  for (const cidr of cidrs) {
    const [address = '', length] = cidr.split('/', 2);
    const most = isIPv4(address) ? 32 : isIPv6(address) ? 128 : 0;
    const bits = length === undefined ? most : Number(length);
    if (most === 0 || !Number.isInteger(bits) || bits < 0 || bits > most || length === '') {
      throw new TypeError(`trust: "${cidr}" is not a network such as 172.18.0.0/16`);
    }
    list.addSubnet(address, bits, most === 32 ? 'ipv4' : 'ipv6');
  }
  return list;
}

function checkOrigin(origin: string): void {
  if (origin === 'null') return;
  let parsed: URL | undefined;
  try {
    parsed = new URL(origin);
  } catch {
    parsed = undefined; // said below
  }
  if (parsed?.origin !== origin) {
    throw new TypeError(`allowOrigin: "${origin}" is not an origin such as https://lab.example:8443`);
  }
}
