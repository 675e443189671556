import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { listenError } from '../../errors.ts';
import type { Prover } from './prover.ts';
import type { AcmeStore } from './store.ts';

/** RFC 8555 8.3. */
const CHALLENGE_PATH = '/.well-known/acme-challenge/';
/** RFC 8555 8.1: base64url; those of Let's Encrypt have 43 characters. */
const TOKEN = /^[A-Za-z0-9_-]{16,128}$/;
const MOST_CONNECTIONS = 200;
const TIMEOUT_MS = 10_000;

export interface HttpDoorOptions {
  readonly listen: { readonly host: string; readonly port: number };
  /** The names that people use; the first is where they are sent who use another. */
  readonly names: readonly string[];
  /** Port of the relay's HTTPS. */
  readonly httpsPort: () => number;
  /** What to answer to a challenge's token. */
  readonly answer: (token: string) => Promise<string | undefined>;
}

/**
 * The relay's plain HTTP port. It answers the ACME server's question whether the names are ours, and sends people on
 * to HTTPS; nothing else is there.
 */
export class HttpDoor implements AsyncDisposable {
  readonly port: number;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
  }

  /** @throws {RelayError} where it cannot listen there. */
  static async open(options: HttpDoorOptions): Promise<HttpDoor> {
    const { host, port } = options.listen;
    const limits = { headersTimeout: TIMEOUT_MS, requestTimeout: TIMEOUT_MS, maxHeaderSize: 8_192 };
    const server = createServer(limits, (request, response) => {
      request.resume();
      void answer(request, response, options);
    });
    server.maxConnections = MOST_CONNECTIONS;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.once('error', reject).listen(port, host, resolve);
    try {
      await promise;
    } catch (error) {
      throw listenError(error, host, port, '--acme_listen');
    }
    return new HttpDoor(server);
  }

  async close(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    this.#server.closeAllConnections();
    await promise;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** HTTP-01 (RFC 8555 8.3): what every relay's door can answer that has the same store. */
export const httpProver = (store: Pick<AcmeStore, 'keepAnswer' | 'dropAnswer'>): Prover => ({
  challenge: 'http-01',
  offer: ({ token, keyAuthorization }) => store.keepAnswer(token, keyAuthorization),
  withdraw: ({ token }) => store.dropAnswer(token),
});

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  options: HttpDoorOptions,
): Promise<void> {
  response.setHeader('Connection', 'close');
  const path = request.url ?? '';
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    // What comes in plain (a token, say) must not be sent on as if that were all right.
    return say(response, 400, 'This is plain HTTP: use https:// in the address.\n');
  }
  if (path.startsWith(CHALLENGE_PATH)) {
    const token = path.slice(CHALLENGE_PATH.length);
    const words = TOKEN.test(token) ? await options.answer(token).catch(() => undefined) : undefined;
    return words === undefined ? say(response, 404, 'Not Found\n') : say(response, 200, words);
  }
  response.setHeader('Location', httpsAddress(request, options));
  return say(response, 308, '');
}

/** The same page in HTTPS, under one of our names only: an unknown `Host` leads nowhere else. */
function httpsAddress(request: IncomingMessage, { names, httpsPort }: HttpDoorOptions): string {
  const asked = (request.headers.host ?? '').replace(/:\d+$/, '').toLowerCase();
  const name = names.includes(asked) ? asked : names[0];
  const port = httpsPort();
  const path = request.url?.startsWith('/') ? request.url : '/';
  return `https://${name}${port === 443 ? '' : `:${port}`}${path}`;
}

function say(response: ServerResponse, status: number, words: string): void {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8' }).end(words);
}
