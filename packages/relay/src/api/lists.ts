import type { Clock } from '@perch/runtime';
import type { FastifyInstance } from 'fastify';
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
  options: { gate: Gate; topics: Topics; clock: Clock },
): void {
  const { gate, topics, clock } = options;

  app.get(
    '/api/v1/streams',
    {
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
      if (!isVisible) return reply.code(401).send(NOT_ALLOWED);
      return topics.list().filter(({ topic }) => isVisible(topic));
    },
  );

  app.get(
    '/api/v1/stats',
    {
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
      if (!(await gate.maySeeStats(request))) return reply.code(401).send(NOT_ALLOWED);
      return [...topics.connections].map((connection) => clientStats(connection, clock));
    },
  );
}
