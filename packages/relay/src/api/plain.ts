import { parseTopicPath } from '@perch/protocol';
import type { FastifyInstance } from 'fastify';

/** Which verbs the fixed paths know, for a fair 405. */
const verbs: readonly (readonly [path: RegExp, allow: string])[] = [
  [/^\/(stats|healthz|readyz|metrics|player\.js)$/, 'GET, HEAD'],
  [/^\/api\/v1\/(streams|stats|openapi\.json)$/, 'GET, HEAD'],
  [/^\/api\/v1\/sign-in$/, 'POST'],
  [/^\/session\/./, 'POST'],
  [/^\/$/, 'GET, HEAD'],
];

/** Plain words for what no route knows. A topic's path wants a WebSocket: 400 (COMPAT 2.2). */
export function plainAnswers(app: FastifyInstance): void {
  app.setNotFoundHandler(async (request, reply) => {
    const path = request.url.split('?', 1)[0] as string;
    const text = reply.type('text/plain; charset=utf-8');
    const known = verbs.find(([pattern]) => pattern.test(path));
    if (known && request.method !== 'GET' && request.method !== 'HEAD') {
      return text.code(405).header('Allow', known[1]).send('Method not allowed\n');
    }
    if (known?.[1] === 'POST' && !path.startsWith('/session/')) {
      return text.code(405).header('Allow', known[1]).send('Method not allowed\n');
    }
    if (path === '/ws' || parseTopicPath(path)) return text.code(400).send('Bad Request\n');
    return text.code(404).send('Not Found\n');
  });
  app.setErrorHandler(async (error, request, reply) => {
    const status = statusOf(error);
    if (status >= 500) request.log.error(error);
    const message = status >= 500 || !(error instanceof Error) ? 'something went wrong here' : error.message;
    return reply.code(status).send({ code: status, message });
  });
}

function statusOf(error: unknown): number {
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined;
  return typeof status === 'number' && status >= 400 ? status : 500;
}
