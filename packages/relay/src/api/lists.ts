import type { Clock } from '@perch/runtime';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Refusals } from '../audit/refusals.ts';
import { callerAddress } from '../auth/caller.ts';
import type { Gate } from '../auth/gate.ts';
import { clientStats } from '../observe/client-stats.ts';
import type { Topics } from '../topics.ts';

const flow = {
  type: 'object',
  properties: { last: { type: 'string' }, size: { type: 'number' }, fps: { type: 'number' } },
} as const;
const security = [{ token: [] }, { cookie: [] }] as const;
const NOT_ALLOWED = { code: 401, message: 'a token with scope read, or a sign-in, is needed' };

/** What is live, for whoever may see it. */
export function listRoutes(
  app: FastifyInstance,
  options: { gate: Gate; topics: Topics; refusals: Refusals; clock: Clock },
): void {
  const { gate, topics, refusals, clock } = options;
  const refuse = (request: FastifyRequest, reply: FastifyReply) => {
    const detail = `GET ${request.routeOptions.url}: ${NOT_ALLOWED.message}`;
    refusals.note({ what: 'request', from: callerAddress(request.raw), detail });
    return reply.code(401).send(NOT_ALLOWED);
  };

  app.get(
    '/api/v1/streams',
    {
      config: { permit: { to: 'topic' } },
      schema: {
        summary: 'The topics that somebody is connected to and the caller may read',
        tags: ['topics'],
        security: [...security],
        response: {
          200: {
            type: 'array',
            items: {
              type: 'object',
              properties: {
                topic: { type: 'string' },
                viewers: { type: 'integer' },
                publishers: { type: 'integer', description: 'Connections that are heard' },
                bitrate: { type: 'integer', description: 'Bits per second, over the last second' },
                waiting: { type: 'boolean', description: 'Nobody publishes' },
              },
              required: ['topic', 'viewers', 'publishers', 'bitrate', 'waiting'],
            },
          },
          '4xx': { $ref: 'error#' },
        },
      },
    },
    async (request, reply) => {
      const isVisible = await gate.visibleTopics(request);
      if (!isVisible) return refuse(request, reply);
      return topics.list().filter(({ topic, place }) => isVisible(topic, place));
    },
  );

  app.get(
    '/api/v1/stats',
    {
      config: { permit: { to: 'topic' } },
      schema: {
        summary: 'The connected clients on topics that the caller may read, as on /ws',
        tags: ['topics'],
        security: [...security],
        response: {
          200: {
            type: 'array',
            items: {
              type: 'object',
              properties: {
                topic: { type: 'string' },
                broadcaster: { type: 'boolean' },
                connected: { type: 'string' },
                remoteAddr: { type: 'string' },
                userAgent: { type: 'string' },
                stats: { type: 'object', properties: { tx: flow, rx: flow } },
              },
            },
          },
          '4xx': { $ref: 'error#' },
        },
      },
    },
    async (request, reply) => {
      // Addresses of other clients are shown only to whoever may see all of them.
      const whose = await gate.statistics(request, false);
      if (!whose) return refuse(request, reply);
      return topics.connectionsOf(whose.household).map((connection) => clientStats(connection, clock));
    },
  );
}
