import { parseTopicPath } from '@perch/protocol';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Refusals } from '../audit/refusals.ts';
import { callerAddress } from '../auth/caller.ts';
import type { Gate } from '../auth/gate.ts';
import { ownAddress } from './own-address.ts';

/** CORS as nginx gives it in front of the older relay (COMPAT 3.3); with `*` a browser sends no cookie. */
export const CORS = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Allow-Credentials': 'true',
  'Access-Control-Allow-Methods': 'GET, POST, OPTIONS',
  'Access-Control-Allow-Headers':
    'Authorization,DNT,X-CustomHeader,Keep-Alive,User-Agent,X-Requested-With,If-Modified-Since,Cache-Control,Content-Type',
  'Access-Control-Max-Age': '86400',
} as const;

/** `POST /session/<topic>`: a right in, a WebSocket address with a one-time code out (COMPAT 3.3). */
export function sessionRoutes(
  app: FastifyInstance,
  options: {
    gate: Gate;
    refusals: Refusals;
    /** Looks at a request first, and may answer it: an older relay's tokens. */
    before?: ((request: FastifyRequest, reply: FastifyReply) => Promise<unknown>) | undefined;
  },
): void {
  const anyone = { config: { permit: { to: 'everyone' } } as const, schema: { hide: true } };
  app.options('/session/*', anyone, async (_request, reply) => reply.headers(CORS).code(204).send());

  app.post(
    '/session/*',
    {
      config: { permit: { to: 'topic' }, limit: 'code' },
      ...(options.before && { onRequest: options.before }),
      schema: {
        summary: 'Exchanges a token for a WebSocket address that works once, for 30 s',
        description: 'The token is in `Authorization`, raw or after `Bearer`. The topic may contain slashes.',
        tags: ['topics'],
        security: [{ token: [] }, { cookie: [] }, {}],
        response: {
          200: { type: 'object', properties: { uri: { type: 'string' } }, required: ['uri'] },
          '4xx': { $ref: 'error#' },
          '5xx': { $ref: 'error#' },
        },
      },
    },
    async (request, reply) => {
      reply.headers(CORS);
      const path = parseTopicPath(request.url.split('?', 1)[0] as string);
      if (path?.kind !== 'session')
        return answer(reply, 404, 'this is no topic name: letters, digits and ._~-/');
      const base = ownAddress(request)?.origin.replace(/^http/, 'ws');
      if (!base) return answer(reply, 400, 'the Host header is no host name');
      const issued = await options.gate.issueCode(request, path.topic);
      if (issued === 'refused') {
        const from = callerAddress(request.raw);
        const why = options.gate.whyNot(request);
        const detail = why ?? 'a code was asked for without the right to the topic';
        const { household } = await options.gate.placeOf(path.topic);
        options.refusals.note({ what: 'view', topic: path.topic, household, from, detail });
        return answer(reply, 401, why ?? 'unauthenticated for invalid credentials');
      }
      if (issued === 'busy') return answer(reply, 503, 'too many codes are pending; try again in a moment');
      return reply
        .header('Cache-Control', 'no-store')
        .send({ uri: `${base}/session/${path.topic}?code=${issued.code}` });
    },
  );
}

const answer = (reply: FastifyReply, code: number, message: string) =>
  reply.code(code).send({ code, message });
