import { parseTopicPath } from '@perch/protocol';
import type { Logger } from '@perch/runtime';
import type { FastifyInstance } from 'fastify';
import { RelayError } from '../errors.ts';
import type { PermitRow } from './permit.ts';
import { verbsOf } from './verbs.ts';

/** Plain words for what no route knows. A topic's path wants a WebSocket: 400 (COMPAT 2.2). */
export function plainAnswers(app: FastifyInstance, rows: readonly PermitRow[], logger: Logger): void {
  app.setNotFoundHandler(async (request, reply) => {
    const path = request.url.split('?', 1)[0] as string;
    const text = reply.type('text/plain; charset=utf-8');
    const verbs = verbsOf(rows, path);
    // A WebSocket's path is told so below.
    const isSocket = path.startsWith('/session/') && isReading(request.method);
    if (verbs.length > 0 && !verbs.includes(request.method) && !isSocket) {
      return text.code(405).header('Allow', verbs.join(', ')).send('Method not allowed\n');
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

const isReading = (method: string): boolean => method === 'GET' || method === 'HEAD';

function statusOf(error: unknown): number {
  if (error instanceof RelayError) return 503;
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined;
  return typeof status === 'number' && status >= 400 ? status : 500;
}
