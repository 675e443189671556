import type { IncomingMessage, Server } from 'node:http';
import { createServer as createHttpsServer, type ServerOptions as HttpsOptions } from 'node:https';
import swagger from '@fastify/swagger';
import type { Logger } from '@perch/runtime';
import Fastify, { type FastifyInstance, type FastifyServerFactory } from 'fastify';
import { callerAddress } from '../auth/caller.ts';
import { NO_PLAIN_HTTP, type TrustedProxies } from '../auth/trusted-proxies.ts';
import type { Limiter } from '../limits/limiter.ts';
import type { Limits } from '../limits/limits.ts';
import type { ServerTls } from '../tls/server-tls.ts';
import { insistOnTls } from './hsts.ts';
import { enforceLimits } from './limit.ts';
import { enforcePermits, type PermitOptions, type PermitRow } from './permit.ts';
import { plainAnswers } from './plain.ts';

export interface ServerOptions {
  readonly limits: Limits;
  /** With it the server speaks HTTPS. */
  readonly tls?: ServerTls;
  readonly logger: Logger;
  readonly proxies: TrustedProxies;
  readonly limiter: Limiter;
  readonly permits: PermitOptions;
  /** Adds the routes. */
  readonly routes: (app: FastifyInstance) => void;
}

/** Of every answer; pages say more (`page-headers.ts`). What is no page is nothing that a browser should run or frame. */
const COMMON_HEADERS = {
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
} as const;

/** The HTTP server, ready but not listening, and who may use which of its routes. */
export async function makeServer(
  options: ServerOptions,
): Promise<{ readonly app: FastifyInstance; readonly permits: readonly PermitRow[] }> {
  const { limits, tls, logger } = options;
  const common = {
    bodyLimit: limits.bodyBytes,
    requestTimeout: limits.bodyTimeout,
    connectionTimeout: limits.httpIdle,
    forceCloseConnections: true,
    exposeHeadRoutes: true,
    routerOptions: { maxParamLength: limits.urlChars },
    http: {
      headersTimeout: limits.headersTimeout,
      // Node's own is 30 s: so late it would see who is slow.
      connectionsCheckingInterval: limits.headersTimeout / 4,
      maxHeaderSize: limits.headerBytes,
      // Anything but a WebSocket is an ordinary request that happens to have an Upgrade header.
      shouldUpgradeCallback: (request: IncomingMessage) =>
        request.headers.upgrade?.toLowerCase() === 'websocket',
    },
  };
  const https = {
    ...common.http,
    handshakeTimeout: limits.headersTimeout,
    requestTimeout: limits.bodyTimeout,
    keepAliveTimeout: KEEP_ALIVE_MS,
  };
  const app = (tls
    ? Fastify({ ...common, serverFactory: httpsServer(tls, https, limits.httpIdle) })
    : Fastify(common)) as unknown as FastifyInstance;
  if (tls) insistOnTls(app, tls);
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(COMMON_HEADERS);
    if (!options.proxies.settle(request.raw)) {
      const from = callerAddress(request.raw);
      options.permits.refusals.note({ what: 'request', from, detail: NO_PLAIN_HTTP });
      return reply.code(403).send({ code: 403, message: NO_PLAIN_HTTP });
    }
    if (request.url.length > limits.urlChars) {
      return reply
        .code(414)
        .send({ code: 414, message: `an address has at most ${limits.urlChars} characters` });
    }
  });
  enforceLimits(app, options.limiter);
  const permits = enforcePermits(app, options.permits);
  app.addHook('onResponse', async (request, reply) => {
    logger.debug('request', { method: request.method, status: reply.statusCode });
  });
  app.removeContentTypeParser('text/plain');
  // An axios client posts `{}`, curl and the Go client post nothing; both are fine where no body is asked for.
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, body === '' ? undefined : JSON.parse(String(body)));
    } catch {
      done(Object.assign(new Error('the body is no JSON'), { statusCode: 400 }));
    }
  });
  app.addSchema({
    $id: 'error',
    type: 'object',
    properties: { code: { type: 'integer' }, message: { type: 'string' } },
    required: ['code', 'message'],
  });
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Perch relay', version: '1', description: 'WebSockets are in docs/reference/wire.md.' },
      components: {
        securitySchemes: {
          token: { type: 'http', scheme: 'bearer' },
          cookie: { type: 'apiKey', in: 'cookie', name: 'perch_session' },
        },
      },
    },
  });
  plainAnswers(app, permits, logger);
  await app.register(async (scope) => {
    options.routes(scope);
    const config = { permit: { to: 'everyone' } } as const;
    scope.get('/api/v1/openapi.json', { config, schema: { hide: true } }, async () => app.swagger());
  });
  await app.ready();
  return { app, permits };
}

/** As Fastify has it without TLS. */
const KEEP_ALIVE_MS = 72_000;

/** A server that has the certificate, and its successors. For `localhost` too it is one, for one IP version. */
const httpsServer =
  (tls: ServerTls, options: HttpsOptions, idle: number): FastifyServerFactory =>
  (handler) => {
    const server = createHttpsServer({ ...options, ...tls.serverOptions }, handler).setTimeout(idle);
    tls.serve(server);
    return server as unknown as Server;
  };

/** The part of the server that WebSockets arrive at. */
export const socketServer = (app: FastifyInstance): Server => app.server as Server;
