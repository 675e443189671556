import type { Millis } from '@perch/runtime';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { callerAddress } from '../auth/caller.ts';
import { type Entrance, type Limiter, retryAfter } from '../limits/limiter.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Which of the counted entrances the route is; none: it may be used as often as one likes. */
    limit?: Entrance;
  }
}

/** Counts who uses routes that are entrances, before anything else is done for him. */
export function enforceLimits(app: FastifyInstance, limiter: Limiter): void {
  app.addHook('onRequest', async (request, reply) => {
    const { limit } = request.routeOptions.config;
    if (!limit || request.is404 || request.method === 'OPTIONS') return;
    const wait = limiter.take(limit, callerAddress(request.raw));
    if (wait > 0) return tooMany(reply, wait);
  });
}

/** 429, with how long to wait. */
export function tooMany(reply: FastifyReply, wait: Millis): FastifyReply {
  const seconds = retryAfter(wait);
  const message = `too many attempts; try again in ${seconds} s`;
  // Pages of other sites, which ask for codes, may read why they get none.
  return reply
    .headers({ 'Retry-After': seconds, 'Access-Control-Allow-Origin': '*' })
    .code(429)
    .send({ code: 429, message });
}
