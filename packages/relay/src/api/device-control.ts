import { type RequestBody, type RuleList, ruleLists } from '@perch/protocol';
import type { Clock } from '@perch/runtime';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Audit } from '../audit/audit.ts';
import type { Act } from '../audit/entry.ts';
import { callerAddress } from '../auth/caller.ts';
import type { Gate } from '../auth/gate.ts';
import { addCameraEvents } from '../cameras/camera-events.ts';
import type { Cameras } from '../cameras/cameras.ts';
import type { DeviceLinks } from '../devices/control/device-links.ts';
import { refusalOf } from '../devices/control/refusal.ts';
import { type Insight, shownSight } from '../devices/control/shown-sight.ts';
import { endEvents, stateEvents } from '../devices/control/state-events.ts';
import { type Caller, known } from '../people/caller.ts';
import { isAtLeast } from '../people/permissions.ts';
import { rightAt } from '../people/rights.ts';
import type { Permit } from './permit.ts';

export interface DeviceControlOptions {
  readonly links: DeviceLinks;
  readonly cameras: Cameras;
  readonly gate: Gate;
  readonly audit: Audit;
  readonly clock: Clock;
}

/** Most readers of events at once: each is a connection that stays. */
const MOST_READERS = 2_000;

type OfDevice = { Params: { id: string } };
type OfFeed = { Params: { id: string; feed: string } };
type OfItem = { Params: { id: string; '*': string } };

/** What a device is doing now, its rules, and which relays it connects to: all by way of its control connection. */
export function deviceControlRoutes(app: FastifyInstance, options: DeviceControlOptions): void {
  const { links, cameras, gate, audit, clock } = options;
  let readers = 0;
  const toSee: Permit = { to: 'device', permission: 'any' };
  const toChange: Permit = { to: 'device', permission: 'command', least: 'member' };
  const toMove: Permit = { to: 'device', permission: 'any', least: 'owner' };
  const describe = (permit: Permit, summary: string, rest: object = {}) => ({
    config: { permit },
    schema: {
      summary,
      tags: ['devices'],
      security: [{ cookie: [] }],
      response: { 200: {}, '4xx': { $ref: 'error#' }, '5xx': { $ref: 'error#' } },
      ...rest,
    },
  });

  app.get<OfDevice>(
    '/api/v1/devices/:id/state',
    describe(toSee, 'What a device said last of its feeds, streams and destinations: {online, at, state}'),
    async ({ params, caller }, reply) =>
      sendJson(reply, shownSight(links.sight(params.id), insightOf(caller))),
  );

  app.get<OfDevice>(
    '/api/v1/devices/:id/events',
    {
      // A stream without end has no head to be asked for alone.
      exposeHeadRoute: false,
      ...describe(
        toSee,
        'The same as server-sent events `state`: one now, then one at each change; to who may command it also `camera`',
        {
          produces: ['text/event-stream'],
        },
      ),
    },
    async (request, reply) => {
      if (readers >= MOST_READERS) {
        const message = 'as many pages look at devices as this relay takes; try again later';
        return reply.code(503).header('Retry-After', '5').send({ code: 503, message });
      }
      const { who, household, by } = known(request.caller);
      const device = request.params.id;
      const events = stateEvents(links.of(device), insightOf(request.caller), clock);
      const { permissions } = rightAt(known(request.caller), { household, device }, ['command']);
      if (permissions.length > 0) addCameraEvents(events, cameras, device);
      const right = gate.whileHolds(by, () => endEvents(events));
      const noteEnd = audit.begin({
        who,
        household,
        device,
        what: 'statistics',
        from: callerAddress(request.raw),
      });
      readers++;
      events.on('close', () => {
        readers--;
        right[Symbol.dispose]();
        noteEnd();
      });
      return reply
        .headers({
          'Content-Type': 'text/event-stream',
          'Cache-Control': 'no-store',
          'X-Accel-Buffering': 'no',
        })
        .send(events);
    },
  );

  for (const list of ruleLists) ruleRoutes(list);

  function ruleRoutes(list: RuleList): void {
    const all = `/api/v1/devices/:id/${list}`;
    const one = `${all}/*`;
    app.get<OfDevice>(
      all,
      describe(toChange, `The device's rules for ${list}, as its own API has them`),
      (request, reply) => ask(request, reply, { kind: `${list}.list` }),
    );
    app.get<OfItem>(one, describe(toChange, `One of its rules for ${list}`), (request, reply) => {
      const name = request.params['*'];
      return ask(request, reply, name === 'all' ? { kind: `${list}.list` } : { kind: `${list}.show`, name });
    });
    const put = (request: FastifyRequest<OfDevice>, reply: FastifyReply) => {
      const rule = request.body ?? null;
      return ask(request, reply, { kind: `${list}.put`, rule }, 'device-rules', nameOf(rule));
    };
    app.post<OfDevice>(all, describe(toChange, `Adds or replaces one of its rules for ${list}`), put);
    app.put<OfDevice>(all, describe(toChange, `Adds or replaces one of its rules for ${list}`), put);
    app.delete<OfItem>(
      one,
      describe(toChange, `Deletes one of its rules for ${list}, or \`all\``),
      (request, reply) => {
        const name = request.params['*'];
        return ask(request, reply, { kind: `${list}.delete`, name }, 'device-rules', name);
      },
    );
  }

  app.get<OfFeed>(
    '/api/v1/devices/:id/feeds/:feed/motion',
    describe(toChange, 'Whether a feed is filmed when something moves in it, and how'),
    (request, reply) => ask(request, reply, { kind: 'motion.show', name: request.params.feed }),
  );

  app.put<OfFeed & { Body: Record<string, unknown> }>(
    '/api/v1/devices/:id/feeds/:feed/motion',
    describe(toChange, 'Turns that on or off; what the body leaves out stays as it is', {
      body: {
        type: 'object',
        properties: {
          isOn: { type: 'boolean' },
          sensitivity: { type: 'number', description: 'From 1 to 10' },
          zones: {
            type: 'array',
            items: { type: 'object' },
            description: 'Where motion does not count: {x, y, width, height} in parts of the picture',
          },
        },
      },
    }),
    (request, reply) => {
      const { feed } = request.params;
      return ask(
        request,
        reply,
        { kind: 'motion.put', rule: { ...request.body, feed } },
        'device-rules',
        feed,
      );
    },
  );

  app.post<OfDevice & { Body: { relays: string[] } }>(
    '/api/v1/devices/:id/move',
    describe(
      toMove,
      'Gives a device another ordered list of relays; it keeps the old until one of the new has it',
      {
        body: {
          type: 'object',
          properties: {
            relays: { type: 'array', items: { type: 'string' }, description: 'Addresses, the best first' },
          },
          required: ['relays'],
        },
      },
    ),
    (request, reply) => {
      const { relays } = request.body;
      return ask(request, reply, { kind: 'relays.move', relays }, 'device-move', relays.join(' '));
    },
  );

  /** Asks the device. @param act for the audit, where it changes something; `of` says what. */
  async function ask(
    request: FastifyRequest<OfDevice>,
    reply: FastifyReply,
    body: RequestBody,
    act?: Act,
    of = '',
  ): Promise<FastifyReply> {
    const device = request.params.id;
    const answer = await links.of(device).requests.ask(body);
    if (act && (answer.kind === 'done' || answer.kind === 'unknown')) {
      const { who, household } = known(request.caller);
      const doubt = answer.kind === 'unknown' ? '; the device did not say whether it was done' : '';
      const detail = `${body.kind} ${of.slice(0, 200)}${doubt}`;
      audit.done({ who, household, device, what: act, from: callerAddress(request.raw), detail });
    }
    if (answer.kind === 'done') return sendJson(reply, JSON.stringify(answer.value ?? {}));
    const refusal = refusalOf(answer);
    if (refusal.code === 503) reply.header('Retry-After', '5');
    return reply.code(refusal.code).send(refusal);
  }
}

const insightOf = (caller: Caller): Insight =>
  caller.kind === 'user' && isAtLeast(caller.user.role, 'member') ? 'all' : 'guest';

const sendJson = (reply: FastifyReply, json: string): FastifyReply =>
  reply.headers({ 'Content-Type': 'application/json', 'Cache-Control': 'no-store' }).send(json);

/** What a rule is for; what else it holds may be secret. */
function nameOf(rule: unknown): string {
  if (typeof rule !== 'object' || rule === null) return '';
  const { stream, id, feed } = rule as Record<string, unknown>;
  return String(id ?? stream ?? feed ?? '');
}
