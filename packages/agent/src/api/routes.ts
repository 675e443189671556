import type { ServerResponse } from 'node:http';
import { API_TOPIC } from '../rules/rule.ts';
import type { RuleOrigin } from '../rules/store.ts';
import { empty, json, refuse, text } from './answer.ts';
import { formatMetrics } from './metrics.ts';
import { openapi } from './openapi.ts';
import type { Handler, Route } from './router.ts';
import { ruleHandlers } from './rules.ts';
import { type StatsParts, takeStats } from './stats.ts';

/** Every path of the agent's port but `/ws/<topic>` upgrades, which are the server's. */
export function makeRoutes(
  parts: StatsParts & { readonly origin: RuleOrigin; readonly pages: readonly Route[] },
): Route[] {
  const rules = ruleHandlers(parts);
  const stats = () => takeStats(parts);
  return [
    // COMPAT 1.2, row by row.
    { path: '/healthcheck', verbs: { GET: (_, response) => healthy(response) } },
    { path: '/api', verbs: { any: (_, response) => empty(response, 200) } },
    { path: '/api/streams', verbs: { POST: rules.streams.put, PUT: rules.streams.put } },
    {
      path: '/api/streams/all',
      verbs: { GET: rules.streams.list, DELETE: named('all', rules.streams.remove) },
    },
    { path: '/api/streams/', verbs: { GET: rules.streams.show, DELETE: rules.streams.remove } },
    { path: '/api/destinations', verbs: { POST: rules.destinations.put, PUT: rules.destinations.put } },
    {
      path: '/api/destinations/all',
      verbs: { GET: rules.destinations.list, DELETE: named('all', rules.destinations.remove) },
    },
    {
      path: '/api/destinations/',
      verbs: { GET: rules.destinations.show, DELETE: rules.destinations.remove },
    },
    {
      path: '/ts/',
      verbs: {
        any: (request, response, feed) => {
          if (feed === API_TOPIC)
            refuse(response, 403, '/ts/api: the control channel takes no media; use /ws/api');
          else parts.publishers.accept(feed, request, response);
        },
      },
    },
    { path: '/ws/', verbs: { any: (_, response) => refuse(response, 400, 'Bad Request') } },
    // Perch's own.
    { path: '/api/feeds', verbs: { POST: rules.feeds.put, PUT: rules.feeds.put } },
    { path: '/api/feeds/all', verbs: { GET: rules.feeds.list, DELETE: named('all', rules.feeds.remove) } },
    { path: '/api/feeds/', verbs: { GET: rules.feeds.show, DELETE: rules.feeds.remove } },
    { path: '/api/motion', verbs: { POST: rules.motion.put, PUT: rules.motion.put } },
    { path: '/api/motion/all', verbs: { GET: rules.motion.list, DELETE: named('all', rules.motion.remove) } },
    { path: '/api/motion/', verbs: { GET: rules.motion.show, DELETE: rules.motion.remove } },
    { path: '/api/stats', verbs: { GET: (_, response) => json(response, stats()) } },
    { path: '/api/openapi.json', verbs: { GET: (_, response) => json(response, openapi) } },
    {
      path: '/metrics',
      verbs: {
        GET: (_, response) =>
          text(response, 'text/plain; version=0.0.4; charset=utf-8', formatMetrics(stats())),
      },
    },
    ...parts.pages,
  ];
}

/** vw's own answer has a newline, alone among its JSON answers. */
function healthy(response: ServerResponse): void {
  text(response, 'text/plain; charset=utf-8', '"ok"\n');
}

const named =
  (name: string, handler: Handler): Handler =>
  (request, response) =>
    handler(request, response, name);
