import { isTopicName } from '@perch/protocol';
import { millis } from '@perch/runtime';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Audit } from '../audit/audit.ts';
import type { AppSessions } from '../auth/app-sessions.ts';
import { callerAddress } from '../auth/caller.ts';
import type { Revocations } from '../auth/revocations.ts';
import { userOf } from '../people/caller.ts';
import { cleanName, NAME_RULE } from '../people/names.ts';
import { EVERY_DEVICE, type Permission, permissions, type Role, roles } from '../people/permissions.ts';
import type { User } from '../people/user.ts';
import type { PermissionChanges, Users } from '../people/users.ts';
import { ownAddress } from './own-address.ts';
import { hindered, nameField, permissionLists } from './person-shapes.ts';
import { byId, dateOf, doneTo, failures, listOf, time } from './shapes.ts';
import { NO_SITE } from './sign-in.ts';

/** A person's sign-in link works so long. */
const LINK_LIFE = millis(7 * 24 * 3_600_000);

export interface PeopleOptions {
  readonly users: Users;
  readonly sessions: AppSessions;
  readonly revocations: Revocations;
  readonly audit: Audit;
}

/** The people of a household: every member sees them, owners take in, change and remove. */
export function peopleRoutes(app: FastifyInstance, options: PeopleOptions): void {
  const { users, sessions, revocations, audit } = options;
  const describe = (to: 'member' | 'owner', summary: string, rest: object) => ({
    config: { permit: { to } },
    schema: { summary, tags: ['people'], security: [{ cookie: [] }], ...rest },
  });

  /** A link that signs somebody in, once. `undefined` where nobody can say under which address. */
  async function linkFor(request: FastifyRequest, user: string): Promise<string | undefined> {
    const address = ownAddress(request);
    return address && `${address.origin}/#${(await sessions.newLink({ user, life: LINK_LIFE })).secret}`;
  }

  app.get(
    '/api/v1/users',
    describe('member', 'The people of the household', listOf(shape)),
    async (request) => (await users.list(userOf(request.caller).household)).map(shown),
  );

  app.post<{ Body: { name: string; role: Role } }>(
    '/api/v1/users',
    describe('owner', 'Takes somebody in; the answer has a link that signs him in once, within 7 days', {
      body: {
        type: 'object',
        properties: { name: nameField, role: { enum: [...roles] } },
        required: ['name', 'role'],
        additionalProperties: false,
      },
      response: { 201: { type: 'object', properties: { ...shape, link: { type: 'string' } } }, ...failures },
    }),
    async (request, reply) => {
      const { household, who } = userOf(request.caller);
      const name = cleanName(request.body.name);
      if (name === undefined) return reply.code(400).send({ code: 400, message: NAME_RULE });
      if (!ownAddress(request)) return reply.code(400).send(NO_SITE);
      const { role } = request.body;
      const user = await users.create({ household, name, role });
      if (typeof user === 'string') return hindered(reply, user);
      const from = callerAddress(request.raw);
      audit.done({
        who,
        household,
        what: 'user-make',
        from,
        detail: `${name}, ${role}; with a sign-in link`,
      });
      const link = await linkFor(request, user.id);
      return reply
        .code(201)
        .header('Cache-Control', 'no-store')
        .send({ ...shown(user), link });
    },
  );

  app.post<{ Params: { id: string } }>(
    '/api/v1/users/:id/link',
    describe('owner', 'Makes a link that signs somebody in once, within 7 days: for who is locked out', {
      params: byId,
      response: { 201: { type: 'object', properties: { link: { type: 'string' } } }, ...failures },
    }),
    async (request, reply) => {
      const { household, who } = userOf(request.caller);
      const user = await users.find(request.params.id);
      if (user?.household !== household) return hindered(reply, 'absent');
      const link = await linkFor(request, user.id);
      if (link === undefined) return reply.code(400).send(NO_SITE);
      audit.done({
        who,
        household,
        what: 'link-make',
        from: callerAddress(request.raw),
        detail: `for ${user.name}`,
      });
      return reply.code(201).header('Cache-Control', 'no-store').send({ link });
    },
  );

  app.patch<{
    Params: { id: string };
    Body: { name?: string; role?: Role; permissions?: Record<string, Permission[] | null> };
  }>(
    '/api/v1/users/:id',
    describe('owner', 'Changes somebody; what is taken from him ends at once', {
      params: byId,
      body: {
        type: 'object',
        properties: {
          name: nameField,
          role: { enum: [...roles] },
          permissions: {
            type: 'object',
            description: 'Lists by device, or `*`; those that are not named stay. null: no list of its own',
            maxProperties: 500,
            additionalProperties: {
              type: ['array', 'null'],
              items: { enum: [...permissions] },
              maxItems: 2 * permissions.length,
            },
          },
        },
        additionalProperties: false,
      },
      response: { 200: { type: 'object', properties: shape }, ...failures },
    }),
    async (request, reply) => {
      const { household, who } = userOf(request.caller);
      const { role, permissions: lists = {} } = request.body;
      const name = request.body.name === undefined ? undefined : cleanName(request.body.name);
      if (request.body.name !== undefined && name === undefined) {
        return reply.code(400).send({ code: 400, message: NAME_RULE });
      }
      const wrong = Object.keys(lists).find((device) => !isDeviceKey(device));
      if (wrong !== undefined) {
        const message = `permissions: ${JSON.stringify(wrong.slice(0, 64))} is no device`;
        return reply.code(400).send({ code: 400, message });
      }
      const changes = permissionChanges(lists);
      const before = await users.find(request.params.id);
      const user = await users.change(request.params.id, household, { name, role, permissions: changes });
      if (typeof user === 'string') return hindered(reply, user);
      const detail = wordsOf(before ?? user, user, changes);
      audit.done({ who, household, what: 'user-change', from: callerAddress(request.raw), detail });
      await revocations.poll();
      return shown(user);
    },
  );

  app.delete<{ Params: { id: string } }>(
    '/api/v1/users/:id',
    describe('owner', 'Removes somebody; what he has open, and the tokens that he made, end at once', doneTo),
    async (request, reply) => {
      const { household, who } = userOf(request.caller);
      const user = await users.remove(request.params.id, household);
      if (typeof user === 'string') return hindered(reply, user);
      audit.done({
        who,
        household,
        what: 'user-remove',
        from: callerAddress(request.raw),
        detail: user.name,
      });
      await revocations.poll();
      return reply.code(204).send();
    },
  );
}

const shape = {
  id: { type: 'string' },
  name: { type: 'string' },
  role: { type: 'string' },
  created: time,
  permissions: permissionLists,
};

const shown = (user: User) => ({
  ...user,
  created: dateOf(user.created),
  permissions: Object.fromEntries(user.permissions),
});

/** A device's id is one segment of a topic. */
const isDeviceKey = (key: string): boolean =>
  key === EVERY_DEVICE || (isTopicName(key) && !key.includes('/'));

const permissionChanges = (lists: Readonly<Record<string, Permission[] | null>>): PermissionChanges =>
  new Map(
    Object.entries(lists).map(([device, list]) => [
      device,
      list === null ? undefined : permissions.filter((permission) => list.includes(permission)),
    ]),
  );

/** What has changed, for the audit. */
function wordsOf(before: User, after: User, changes: PermissionChanges): string {
  const words = [
    ...(before.name === after.name ? [] : [`is ${after.name} now`]),
    ...(before.role === after.role ? [] : [`${before.role} becomes ${after.role}`]),
    ...[...changes].map(([device, list]) => `${device}: ${list ? list.join(' ') || 'nothing' : 'as usual'}`),
  ];
  return `${before.name}: ${words.join('; ')}`.slice(0, 1_000);
}
