import { isTopicName } from '@perch/protocol';
import type { FastifyInstance } from 'fastify';
import type { Audit } from '../audit/audit.ts';
import type { Refusals } from '../audit/refusals.ts';
import { callerAddress, callerProgram } from '../auth/caller.ts';
import type { DeviceBook, Gate } from '../auth/gate.ts';
import type { Revocations } from '../auth/revocations.ts';
import type { Invite, InvitePlace } from '../invites/invite.ts';
import type { Invites } from '../invites/invites.ts';
import { userOf } from '../people/caller.ts';
import { cleanName, NAME_RULE } from '../people/names.ts';
import { type Permission, permissions } from '../people/permissions.ts';
import { userRight } from '../people/rights.ts';
import { ownAddress } from './own-address.ts';
import { nameField } from './person-shapes.ts';
import { giveCookie } from './session-cookie.ts';
import { dateOf, dateOrNull, doneTo, failures, listOf, time, timeOrNull } from './shapes.ts';
import { NO_SITE } from './sign-in.ts';

const SHORTEST_S = 60;
const LONGEST_S = 90 * 24 * 3_600;
/** What there is to do with a topic; the others are of devices. */
const OF_TOPICS: readonly Permission[] = ['view', 'listen'];

export interface InviteOptions {
  readonly invites: Invites;
  readonly gate: Gate;
  readonly devices: DeviceBook;
  readonly revocations: Revocations;
  readonly audit: Audit;
  readonly refusals: Refusals;
}

interface Wanted {
  readonly for: string;
  readonly topic?: string;
  readonly device?: string;
  readonly call?: boolean;
  readonly permissions: readonly Permission[];
  readonly ttl: number;
  readonly once?: boolean;
}

/** Links for people without an account: members make them, of what they may do themselves. */
export function inviteRoutes(app: FastifyInstance, options: InviteOptions): void {
  const { invites, gate, devices, revocations, audit, refusals } = options;
  const describe = (summary: string, rest: object) => ({
    config: { permit: { to: 'member' } } as const,
    schema: { summary, tags: ['invites'], security: [{ cookie: [] }], ...rest },
  });

  app.get(
    '/api/v1/invites',
    describe('The invites that are good: an owner sees all, a member his own', listOf(shape)),
    async (request) => {
      const { user, household } = userOf(request.caller);
      const all = await invites.list(household, user.role === 'owner' ? undefined : user.id);
      return all.map((invite) => ({ ...shown(invite), madeBy: invite.makerName }));
    },
  );

  app.post<{ Body: Wanted }>(
    '/api/v1/invites',
    describe('Makes an invite; its link is in the answer and nowhere else', {
      body: {
        type: 'object',
        properties: {
          for: { ...nameField, description: 'The name of who is invited' },
          topic: { type: 'string', maxLength: 256, description: 'To this topic; or' },
          device: { type: 'string', maxLength: 128, description: 'to this device' },
          call: { type: 'boolean', description: 'For a call with the device', default: false },
          permissions: { type: 'array', items: { enum: [...permissions] }, maxItems: 2 * permissions.length },
          ttl: {
            type: 'integer',
            minimum: SHORTEST_S,
            maximum: LONGEST_S,
            description: 'Its life in seconds',
          },
          once: { type: 'boolean', default: false, description: 'It opens once; that browser goes on' },
        },
        required: ['for', 'permissions', 'ttl'],
        additionalProperties: false,
      },
      response: { 201: { type: 'object', properties: { ...shape, link: { type: 'string' } } }, ...failures },
    }),
    async (request, reply) => {
      const { user, household, who } = userOf(request.caller);
      const refuse = (code: number, message: string) => reply.code(code).send({ code, message });
      const wanted = request.body;
      const name = cleanName(wanted.for);
      if (name === undefined) return refuse(400, NAME_RULE);
      const address = ownAddress(request);
      if (!address) return reply.code(400).send(NO_SITE);
      const place = await placeOf(wanted, household);
      if ('why' in place) return refuse(place.code, place.why);
      const asked = permissions.filter(
        (one) => wanted.permissions.includes(one) || (one === 'call' && wanted.call),
      );
      if (asked.length === 0) return refuse(400, `permissions: one or more of ${permissions.join(', ')}`);
      const foreign = asked.filter((one) => place.topic !== undefined && !OF_TOPICS.includes(one));
      if (foreign.length > 0)
        return refuse(400, `permissions: ${foreign.join(', ')}: for a device, not for a topic`);
      const own = userRight(user, place, asked).permissions;
      const missing = asked.filter((one) => !own.includes(one));
      if (missing.length > 0) {
        const message = `you cannot give what you do not have: ${missing.join(', ')}`;
        refusals.note({ what: 'invite-make', household, from: callerAddress(request.raw), detail: message });
        return refuse(403, message);
      }
      const made = await invites.create({
        ...{ household, madeBy: user.id, for: name, place, permissions: asked },
        lifeMs: wanted.ttl * 1_000,
        once: wanted.once === true,
      });
      if (made === 'too-many')
        return refuse(409, 'there are as many invites as a household may have; end some');
      audit.done({
        who,
        household,
        what: 'invite-make',
        ...linesOf(made.invite),
        from: callerAddress(request.raw),
      });
      return reply
        .code(201)
        .header('Cache-Control', 'no-store')
        .send({
          ...shown(made.invite),
          madeBy: user.name,
          link: `${address.origin}/#/invite/${made.secret}`,
        });
    },
  );

  app.delete<{ Params: { id: string } }>(
    '/api/v1/invites/:id',
    describe('Ends an invite, and what was opened by it: an owner any, a member his own', doneTo),
    async (request, reply) => {
      const { user, household, who } = userOf(request.caller);
      const madeBy = user.role === 'owner' ? undefined : user.id;
      const invite = await invites.end(request.params.id, household, madeBy);
      if (!invite) return reply.code(404).send({ code: 404, message: 'there is no such invite' });
      audit.done({
        who,
        household,
        what: 'invite-end',
        ...linesOf(invite),
        from: callerAddress(request.raw),
      });
      await revocations.poll();
      return reply.code(204).send();
    },
  );

  app.post<{ Body: { secret: string } }>(
    '/api/v1/invites/open',
    {
      config: { permit: { to: 'everyone', origin: 'own' }, limit: 'invite' },
      schema: {
        summary: 'Opens an invite by the secret of its link; sets the session cookie',
        tags: ['invites'],
        body: {
          type: 'object',
          properties: { secret: { type: 'string', minLength: 1, maxLength: 256 } },
          required: ['secret'],
        },
        response: { 200: { type: 'object', properties: opened }, ...failures },
      },
    },
    async (request, reply) => {
      const from = { address: callerAddress(request.raw), userAgent: callerProgram(request.raw) };
      const opening = await invites.open(request.body.secret, from);
      if (!opening) {
        const detail = 'the secret of no invite that is good';
        refusals.note({ what: 'invite-open', from: from.address, detail });
        const message = 'this invite has expired, was ended, or was for one use and is used';
        return reply.code(401).send({ code: 401, message });
      }
      const { invitation, begun } = opening;
      const { id, household, topic, device } = invitation;
      audit.done({
        who: { kind: 'invite', id, name: invitation.for },
        ...{ household, what: 'invite-open', from: from.address },
        ...(topic !== undefined && { topic }),
        ...(device !== undefined && { device }),
        detail: `session ${begun.session.id}; ${from.userAgent}`,
      });
      giveCookie(request, reply, begun);
      return { for: invitation.for, topic, device, permissions: invitation.permissions };
    },
  );

  /** What an invite is to, if the household has it; else why not. */
  async function placeOf(
    { topic, device, call = false }: Wanted,
    household: string,
  ): Promise<InvitePlace | { readonly code: 400 | 404; readonly why: string }> {
    if ((topic === undefined) === (device === undefined))
      return { code: 400, why: 'either a topic or a device' };
    if (topic !== undefined) {
      if (!isTopicName(topic)) return { code: 400, why: 'topic: letters, digits and ._~-/' };
      if (call) return { code: 400, why: 'a call is with a device' };
      const place = await gate.placeOf(topic);
      if (place.household === household) return { topic, device: place.device };
      return { code: 404, why: 'the household has no such topic: its own begin with the id of a device' };
    }
    if (device !== undefined && (await devices.householdOf(device)) === household)
      return { device, isCall: call };
    return { code: 404, why: 'there is no such device' };
  }
}

const opened = {
  for: { type: 'string', description: 'The name of who is invited' },
  topic: { type: 'string' },
  device: { type: 'string' },
  permissions: { type: 'array', items: { type: 'string' } },
};

const shape = {
  ...opened,
  id: { type: 'string' },
  capture: { type: 'string', description: 'To this film alone, of the device' },
  call: { type: 'boolean' },
  madeBy: { type: 'string', description: 'Name of the user who made it' },
  created: time,
  expires: time,
  once: { type: 'boolean' },
  openings: { type: 'integer', description: 'How often it was opened' },
  lastUsed: timeOrNull,
};

const shown = (invite: Invite) => ({
  id: invite.id,
  for: invite.for,
  ...(invite.place.topic === undefined ? { device: invite.place.device } : { topic: invite.place.topic }),
  ...(invite.place.capture !== undefined && { capture: invite.place.capture }),
  call: invite.place.isCall === true,
  permissions: invite.permissions,
  created: dateOf(invite.created),
  expires: dateOf(invite.expires),
  once: invite.once,
  openings: invite.openings,
  lastUsed: dateOrNull(invite.lastOpened),
});

/** What of an invite is in the audit. */
const linesOf = ({ id, place, permissions: given, for: name, expires }: Invite) => ({
  ...(place.topic !== undefined && { topic: place.topic }),
  ...(place.device !== undefined && { device: place.device }),
  detail: `invite ${id} for ${name}: ${given.join(', ')}, until ${dateOf(expires)}`,
});
