import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Audit } from '../audit/audit.ts';
import { callerAddress } from '../auth/caller.ts';
import type { Device } from '../devices/device.ts';
import type { Devices } from '../devices/devices.ts';
import { userOf } from '../people/caller.ts';
import { userRight } from '../people/rights.ts';
import type { User } from '../people/user.ts';
import { areKeys } from '../push/encrypt.ts';
import type { Push } from '../push/push.ts';
import { MOST_ENDPOINT_CHARS } from '../push/push-services.ts';
import { isZone, type QuietHours } from '../push/quiet-hours.ts';
import { type Choice, choices, USUAL_CHOICE } from '../push/settings.ts';
import { dateOf, dateOrNull, doneTo, failures, time, timeOrNull } from './shapes.ts';

export interface PushRoutesOptions {
  readonly push: Push;
  readonly devices: Devices;
  readonly audit: Audit;
}

interface SubscriptionBody {
  readonly endpoint: string;
  readonly keys: { readonly p256dh: string; readonly auth: string };
}
interface SettingsBody {
  readonly quiet: QuietHours | null;
  readonly devices: Readonly<Record<string, Choice>>;
}

/** Web Push, as each person sets it: whether this browser is told, of what, and when not. */
export function pushRoutes(app: FastifyInstance, { push, devices, audit }: PushRoutesOptions): void {
  const { subscriptions, settings, services } = push;
  const describe = (summary: string, rest: object) => ({
    config: { permit: { to: 'user' } } as const,
    schema: { summary, tags: ['push'], security: [{ cookie: [] }], ...rest },
  });
  const note = (request: FastifyRequest, detail: string) => {
    const { who, household } = userOf(request.caller);
    audit.done({ who, household, what: 'push-change', from: callerAddress(request.raw), detail });
  };
  const filming = async (user: User): Promise<Device[]> => {
    const all = await devices.list(user.household);
    return all.filter(({ id }) => userRight(user, { device: id }, ['captures']).permissions.length > 0);
  };
  const show = async (request: FastifyRequest) => {
    const { user, session } = userOf(request.caller);
    const [subscription, { quiet, devices: wanted }, seen] = await Promise.all([
      subscriptions.find(session.id),
      settings.of(user.id),
      filming(user),
    ]);
    return {
      publicKey: push.publicKey,
      subscription: subscription
        ? {
            endpoint: subscription.endpoint,
            created: dateOf(subscription.created),
            until: dateOf(session.expires),
            delivered: dateOrNull(subscription.delivered),
            problem: subscription.problem ?? null,
          }
        : null,
      quiet: quiet ?? null,
      devices: seen.map(({ id, name }) => ({ id, name, send: wanted.get(id) ?? USUAL_CHOICE })),
    };
  };

  app.get(
    '/api/v1/push',
    describe('What this browser and its person are told of', { response: stateAnswer }),
    async (request, reply) => reply.header('Cache-Control', 'no-store').send(await show(request)),
  );
  app.put<{ Body: SubscriptionBody }>(
    '/api/v1/push/subscription',
    describe('Tells this browser of what is filmed: `PushSubscription.toJSON()`', {
      body: subscriptionBody,
      response: doneTo.response,
    }),
    async (request, reply) => {
      const { user, session } = userOf(request.caller);
      const { endpoint, keys } = request.body;
      const why = services.whyNot(endpoint);
      if (why !== undefined) return bad(reply, why);
      if (!areKeys(keys)) return bad(reply, 'these are no keys of a push subscription');
      const before = await subscriptions.find(session.id);
      await subscriptions.keep(session.id, user.id, { endpoint, ...keys });
      if (before?.endpoint !== endpoint) note(request, `this browser is told, by ${new URL(endpoint).host}`);
      return reply.code(204).send();
    },
  );
  app.delete(
    '/api/v1/push/subscription',
    describe('Tells this browser of nothing any more', { response: doneTo.response }),
    async (request, reply) => {
      const { session } = userOf(request.caller);
      if (await subscriptions.remove(session.id)) note(request, 'this browser is not told any more');
      return reply.code(204).send();
    },
  );
  app.put<{ Body: SettingsBody }>(
    '/api/v1/push/settings',
    describe('Says what I am told of, and when not, in all my browsers', {
      body: settingsBody,
      response: stateAnswer,
    }),
    async (request, reply) => {
      const { user } = userOf(request.caller);
      const { quiet } = request.body;
      if (quiet && !isZone(quiet.zone)) return bad(reply, `there is no time zone "${quiet.zone}"`);
      const seen = new Set((await filming(user)).map(({ id }) => id));
      const wanted = Object.entries(request.body.devices).filter(([device]) => seen.has(device));
      await settings.keep(user.id, { quiet: quiet ?? undefined, devices: new Map(wanted) });
      note(request, wordsOf(quiet));
      return await show(request);
    },
  );
  app.post(
    '/api/v1/push/test',
    describe('Sends this browser a push, now', {
      response: { ...doneTo.response, '5xx': { $ref: 'error#' } },
    }),
    async (request, reply) => {
      const { session } = userOf(request.caller);
      const subscription = await subscriptions.find(session.id);
      if (!subscription)
        return refuse(reply, 409, 'notifications are off in this browser: turn them on first');
      if (!(await subscriptions.take(session.id, { isAlarm: false }))) {
        reply.header('Retry-After', '60');
        return refuse(reply, 429, 'this browser had many pushes just now; try again in a minute');
      }
      const outcome = await push.test(subscription);
      if (outcome.kind === 'taken') return reply.code(204).send();
      if (outcome.kind !== 'gone') return refuse(reply, 502, `it could not be sent: ${outcome.reason}`);
      return refuse(
        reply,
        409,
        'the push service does not know this browser any more: turn notifications on again',
      );
    },
  );
}

const refuse = (reply: FastifyReply, code: number, message: string): FastifyReply =>
  reply.code(code).send({ code, message });
const bad = (reply: FastifyReply, message: string): FastifyReply => refuse(reply, 400, message);

/** For the audit. */
const wordsOf = (quiet: QuietHours | null): string =>
  quiet
    ? `quiet from ${quiet.from} to ${quiet.to} (${quiet.zone})${quiet.alarms ? ', but for alarms' : ''}`
    : 'at any time';

const clockTime = { type: 'string', pattern: '^([01]\\d|2[0-3]):[0-5]\\d$' } as const;
const quietShape = {
  type: ['object', 'null'],
  description: 'When nothing is told; null: never',
  properties: {
    from: clockTime,
    to: { ...clockTime, description: 'On the next day where it is not after `from`' },
    zone: { type: 'string', maxLength: 64, description: 'Such as Europe/Zurich' },
    days: {
      type: 'array',
      items: { type: 'integer', minimum: 1, maximum: 7 },
      minItems: 1,
      maxItems: 7,
      uniqueItems: true,
      description: 'On which days it begins: 1 is Monday',
    },
    alarms: { type: 'boolean', description: 'Alarms are told all the same' },
  },
  required: ['from', 'to', 'zone', 'days', 'alarms'],
  additionalProperties: false,
} as const;
const choice = {
  type: 'string',
  enum: choices,
  description: 'Every capture, alarms only, or nothing',
} as const;
const subscriptionBody = {
  type: 'object',
  properties: {
    endpoint: { type: 'string', maxLength: MOST_ENDPOINT_CHARS },
    expirationTime: { type: ['number', 'null'] },
    keys: {
      type: 'object',
      properties: {
        p256dh: { type: 'string', maxLength: 100 },
        auth: { type: 'string', maxLength: 40 },
      },
      required: ['p256dh', 'auth'],
      additionalProperties: false,
    },
  },
  required: ['endpoint', 'keys'],
  additionalProperties: false,
} as const;
const settingsBody = {
  type: 'object',
  properties: {
    quiet: quietShape,
    devices: {
      type: 'object',
      additionalProperties: choice,
      maxProperties: 1_000,
      description: 'By id; one that is not here: every capture',
    },
  },
  required: ['quiet', 'devices'],
  additionalProperties: false,
} as const;
const stateAnswer = {
  200: {
    type: 'object',
    properties: {
      publicKey: { type: 'string', description: '`applicationServerKey` for the browser, base64url' },
      subscription: {
        type: ['object', 'null'],
        description: 'null: this browser is not told',
        properties: {
          endpoint: { type: 'string' },
          created: time,
          until: { ...time, description: 'When this sign-in ends, and with it what is told' },
          delivered: { ...timeOrNull, description: 'When the push service took one last' },
          problem: { type: ['string', 'null'], description: 'Why the last one could not be sent' },
        },
      },
      quiet: quietShape,
      devices: {
        type: 'array',
        items: {
          type: 'object',
          properties: { id: { type: 'string' }, name: { type: 'string' }, send: choice },
        },
      },
    },
  },
  ...failures,
} as const;
