import { parseTopicPath } from '@perch/protocol';
import type { Logger } from '@perch/runtime';
import type { FastifyInstance } from 'fastify';
import { RelayError } from '../errors.ts';

/** Which verbs the fixed paths know, for a fair 405. */
const verbs: readonly (readonly [path: RegExp, allow: string])[] = [
  [/^\/(stats|healthz|readyz|metrics|player\.js)$/, 'GET, HEAD'],
  [/^\/api\/v1\/(streams|stats|audit|sessions|openapi\.json)$/, 'GET, HEAD'],
  [/^\/api\/v1\/tokens$/, 'GET, HEAD, POST'],
  [/^\/api\/v1\/(sessions|tokens)\/[^/]+$/, 'DELETE'],
  [/^\/api\/v1\/sign-in$/, 'POST'],
  [/^\/session\/./, 'POST'],
  [/^\/$/, 'GET, HEAD'],
];

/** Plain words for what no route knows. A topic's path wants a WebSocket: 400 (COMPAT 2.2). */
export function plainAnswers(app: FastifyInstance, logger: Logger): void {
  app.setNotFoundHandler(async (request, reply) => {
    const path = request.url.split('?', 1)[0] as string;
    const text = reply.type('text/plain; charset=utf-8');
    const known = verbs.find(([pattern]) => pattern.test(path));
    if (known && request.method !== 'GET' && request.method !== 'HEAD') {
      return text.code(405).header('Allow', known[1]).send('Method not allowed\n');
    }
    if (known && !known[1].startsWith('GET') && !path.startsWith('/session/')) {
      return text.code(405).header('Allow', known[1]).send('Method not allowed\n');
    }
    if (path === '/ws' || parseTopicPath(path)) return text.code(400).send('Bad Request\n');
    return text.code(404).send('Not Found\n');
  });
  app.setErrorHandler(async (error, _request, reply) => {
    const status = statusOf(error);
    if (status < 500 && error instanceof Error) {
      return reply.code(status).send({ code: status, message: error.message });
    }
    // Its own words are for whoever runs the relay, not for whoever asks.
    logger.error('a request could not be answered', {
      error: error instanceof Error ? error : String(error),
    });
    const message =
      status === 503 ? "the relay's database does not answer; try again later" : 'something went wrong here';
    if (status === 503) reply.header('Retry-After', '5');
    return reply.code(status).send({ code: status, message });
  });
}

function statusOf(error: unknown): number {
  if (error instanceof RelayError) return 503;
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined;
  return typeof status === 'number' && status >= 400 ? status : 500;
}
