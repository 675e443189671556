import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Refusals } from '../audit/refusals.ts';
import { callerAddress } from '../auth/caller.ts';
import { isLoopback } from '../auth/plain-http.ts';
import type { TrustedProxies } from '../auth/trusted-proxies.ts';
import { OpenCount } from './open-count.ts';

/**
 * How many connections one address may have open: of those that come to us, from their first byte on; of those that come
 * by a proxy of ours, each WebSocket. This machine's own and the proxies' do not count.
 */
export class OpenSockets {
  readonly #proxies: TrustedProxies;
  readonly #refusals: Refusals;
  readonly #direct: OpenCount;
  readonly #proxied: OpenCount;

  constructor(options: { most: number; proxies: TrustedProxies; refusals: Refusals }) {
    this.#proxies = options.proxies;
    this.#refusals = options.refusals;
    this.#direct = new OpenCount(options);
    this.#proxied = new OpenCount(options);
  }

  /** Cuts off at once who has too many, before anything is read or any key is made. */
  watch(server: Server): void {
    server.prependListener('connection', (socket: Socket) => {
      const address = socket.remoteAddress ?? '';
      if (isLoopback(address) || this.#proxies.trusts(address)) return;
      if (!this.#enter(this.#direct, address, socket)) socket.destroy();
    });
  }

  /** Counts a WebSocket that comes by a proxy. @returns false where its caller has too many. */
  admits(request: IncomingMessage, socket: Duplex): boolean {
    // Whom no proxy names is counted already, by his own connection.
    if (request.headers['x-forwarded-for'] === undefined) return true;
    const address = callerAddress(request);
    return isLoopback(address) || this.#enter(this.#proxied, address, socket);
  }

  #enter(count: OpenCount, address: string, socket: Duplex): boolean {
    const leave = count.enter(address);
    if (leave) socket.once('close', leave);
    else this.#refusals.note({ what: 'limit', from: address, detail: 'too many open connections' });
    return leave !== undefined;
  }
}
