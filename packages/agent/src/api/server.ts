import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { limits } from '@perch/protocol';
import type { Logger } from '@perch/runtime';
import type { WebSocket } from 'ws';
import { WebSocketServer } from 'ws';
import { AgentError, systemCode } from '../errors.ts';
import { isName } from '../rules/rule.ts';
import { empty, refuse } from './answer.ts';
import type { Guard } from './guard.ts';
import { follow, parseTarget, type Router } from './router.ts';

export interface ApiServerOptions {
  readonly listen: { readonly host: string; readonly port: number };
  readonly guard: Guard;
  readonly router: Router;
  /** A WebSocket on `/ws/<topic>` has opened; it is the callee's from now on. */
  readonly onMember: (topic: string, socket: WebSocket, tcp: Duplex) => void;
  readonly protocols: readonly string[];
  readonly logger: Logger;
}

/** The agent's one HTTP port: asks the guard, then the router; upgrades lead to `/ws/<topic>` alone. */
export class ApiServer {
  readonly #options: ApiServerOptions;
  readonly #server: Server;
  readonly #sockets: WebSocketServer;

  constructor(options: ApiServerOptions) {
    this.#options = options;
    this.#server = createServer({
      // `/ts` bodies never end; they have an idle limit, other bodies a limit of their own.
      requestTimeout: 0,
      headersTimeout: limits.headersTimeout,
      connectionsCheckingInterval: 1_000,
      noDelay: true,
      maxHeaderSize: 16 * 1024,
      // HTTP/1.1 without Host is answered 400 by Node.
      requireHostHeader: true,
      // Other offers, such as curl's h2c, are not taken up: the request is answered as it is.
      shouldUpgradeCallback: ({ headers }) => headers.upgrade?.toLowerCase() === 'websocket',
    });
    this.#server.maxConnections = limits.agentConnections;
    this.#sockets = new WebSocketServer({
      noServer: true,
      maxPayload: limits.messageBytes,
      perMessageDeflate: false,
      clientTracking: true,
      ...closing,
      handleProtocols: (offered) => options.protocols.find((protocol) => offered.has(protocol)) ?? false,
    });
    this.#server.on('request', (request, response) => this.#onRequest(request, response));
    // A publisher that asks first is told at once that it needs the token, before it sends anything.
    this.#server.on('checkContinue', (request, response) => this.#onRequest(request, response));
    this.#server.on('upgrade', (request, socket, head) => this.#onUpgrade(request, socket, head));
    this.#server.on('clientError', (error, socket) => onClientError(error, socket));
  }

  /** Resolves with the port. @throws {AgentError} `port-in-use`, `listen-failed`. */
  listen(): Promise<number> {
    const { host, port } = this.#options.listen;
    return new Promise((resolve, reject) => {
      this.#server.once('error', (cause) => reject(listenError(host, port, cause)));
      this.#server.listen(port, host, () => {
        this.#server.removeAllListeners('error');
        this.#server.on('error', (error) =>
          this.#options.logger.error('HTTP server', { error: error.message }),
        );
        resolve((this.#server.address() as AddressInfo).port);
      });
    });
  }

  /** Takes no more connections, says goodbye to those there are, and cuts off what is left after `graceMs`. */
  async close(graceMs: number): Promise<void> {
    const gone = new Promise<void>((resolve) => {
      if (this.#server.listening) this.#server.close(() => resolve());
      else resolve();
    });
    for (const socket of this.#sockets.clients) socket.close(1001, 'the agent is closing');
    this.#server.closeIdleConnections();
    const cutOff = setTimeout(() => {
      for (const socket of this.#sockets.clients) socket.terminate();
      this.#server.closeAllConnections();
    }, graceMs);
    await gone;
    clearTimeout(cutOff);
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    const target = parseTarget(request.url ?? '');
    if (!target) {
      refuse(response, 400, 'Bad Request');
      return;
    }
    const verdict = this.#options.guard.judge(request, target.path);
    if (verdict.status !== 'pass') {
      if (verdict.status === 401) response.setHeader('WWW-Authenticate', CHALLENGE);
      refuse(response, verdict.status, verdict.words);
      return;
    }
    if (request.headers.expect !== undefined) response.writeContinue();
    response.setHeader('Cross-Origin-Resource-Policy', 'same-origin');
    if (verdict.origin !== undefined) allowPage(response, verdict.origin);
    if (verdict.origin !== undefined && request.method === 'OPTIONS') {
      empty(response, 204);
      return;
    }
    const done = follow(this.#options.router.find(target, request.method ?? ''), request, response);
    // A handler answers what it expects; anything else is our mistake, and must not take the agent down.
    done?.catch((error: Error) => {
      this.#options.logger.error('request failed', { path: target.path, error: error.stack });
      refuse(response, 500, `internal error: ${error.message}`);
    });
  }

  #onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy());
    const entrance = this.#judgeUpgrade(request);
    if ('status' in entrance) refuseUpgrade(socket, entrance);
    else {
      this.#sockets.handleUpgrade(request, socket, head, (webSocket) =>
        this.#options.onMember(entrance.topic, webSocket, socket),
      );
    }
  }

  #judgeUpgrade(request: IncomingMessage): UpgradeRefusal | { readonly topic: string } {
    const target = parseTarget(request.url ?? '');
    if (!target) return { status: 400, words: 'Bad Request' };
    const verdict = this.#options.guard.judge(request, target.path);
    if (verdict.status !== 'pass') return verdict;
    if (target.clean !== target.path) {
      return { status: 301, words: '', location: encodeURI(target.clean) + target.query };
    }
    const topic = /^\/ws\/(.+)$/.exec(target.path)?.[1];
    if (topic === undefined || !isName(topic)) return { status: 404, words: '404 page not found' };
    return { topic };
  }
}

/** `ws` cuts off a peer that does not answer a close after this long; its types do not know the option yet. */
const closing = { closeTimeout: 2_000 };

const CHALLENGE = 'Basic realm="perch agent (any name, the token as password)", charset="UTF-8"';

/** Lets a page of `origin` read the answer (Fetch standard, "CORS protocol"). */
function allowPage(response: ServerResponse, origin: string): void {
  response.setHeader('Access-Control-Allow-Origin', origin);
  response.setHeader('Access-Control-Allow-Credentials', 'true');
  response.setHeader('Access-Control-Allow-Methods', 'GET, POST, PUT, DELETE');
  response.setHeader('Access-Control-Allow-Headers', 'Authorization, Content-Type');
  response.setHeader('Access-Control-Allow-Private-Network', 'true');
  response.setHeader('Cross-Origin-Resource-Policy', 'cross-origin');
  response.setHeader('Vary', 'Origin');
}

interface UpgradeRefusal {
  readonly status: number;
  readonly words: string;
  readonly location?: string;
}

function refuseUpgrade(socket: Duplex, refusal: UpgradeRefusal): void {
  const { status, words } = refusal;
  const location = refusal.location === undefined ? '' : `Location: ${refusal.location}\r\n`;
  const challenge = status === 401 ? `WWW-Authenticate: ${CHALLENGE}\r\n` : '';
  const body = words === '' ? '' : `${words}\n`;
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${location}${challenge}` +
      'Content-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n' +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

/** What is no HTTP is told so in HTTP; a peer that has gone is told nothing. */
function onClientError(error: Error, socket: Duplex): void {
  if (systemCode(error) === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status =
    systemCode(error) === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? 408
      : systemCode(error) === 'HPE_HEADER_OVERFLOW'
        ? 431
        : 400;
  refuseUpgrade(socket, { status, words: STATUS_CODES[status] ?? 'Bad Request' });
}

function listenError(host: string, port: number, cause: Error): AgentError {
  const code = systemCode(cause);
  if (code === 'EADDRINUSE') {
    return new AgentError(
      'port-in-use',
      `port ${port} on ${host} is taken, perhaps by another agent: stop that, or choose another port with --listen`,
      { cause },
    );
  }
  const why = code === 'EACCES' ? `port ${port} needs more rights: choose one above 1023` : cause.message;
  return new AgentError('listen-failed', `cannot listen on ${host}:${port}: ${why}`, { cause });
}
