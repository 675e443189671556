import type { FastifyInstance } from 'fastify';
import type { Audit } from '../audit/audit.ts';
import type { Refusals } from '../audit/refusals.ts';
import type { AppSessions } from '../auth/app-sessions.ts';
import { callerAddress } from '../auth/caller.ts';
import type { Revocations } from '../auth/revocations.ts';
import { type Known, known, userOf } from '../people/caller.ts';
import { FIRST_HOUSEHOLD, type Household } from '../people/household.ts';
import { cleanName, NAME_RULE } from '../people/names.ts';
import type { Passkey } from '../people/passkey/passkey.ts';
import { LONGEST_PASSWORD, SHORTEST_PASSWORD } from '../people/password/passwords.ts';
import type { People } from '../people/people.ts';
import { allowedOn, EVERY_DEVICE } from '../people/permissions.ts';
import { ownAddress } from './own-address.ts';
import { passkeyBody, readQuestion, sendQuestion } from './passkey-question.ts';
import { hindered, nameField, permissionLists } from './person-shapes.ts';
import { dateOf, dateOrNull, doneTo, failures, time, timeOrNull } from './shapes.ts';
import { NO_SITE, sayBusy } from './sign-in.ts';

export interface MeOptions {
  readonly people: People;
  readonly sessions: AppSessions;
  readonly revocations: Revocations;
  readonly audit: Audit;
  readonly refusals: Refusals;
}

/** Who is signed in here, and what he changes of himself: name, password, passkeys. */
export function meRoutes(app: FastifyInstance, options: MeOptions): void {
  const { people, sessions, revocations, audit, refusals } = options;
  const { users, households, passwords, passwordTable, passkeys } = people;
  const config = { permit: { to: 'user' } } as const;
  const security = [{ cookie: [] }];
  const describe = (summary: string, rest: object) => ({
    config,
    schema: { summary, tags: ['app'], security, ...rest },
  });

  app.get(
    '/api/v1/me',
    {
      config: { permit: { to: 'session', isQuestion: true } },
      schema: { summary: 'Who is signed in, and what he may', tags: ['app'], security, response: meAnswer },
    },
    async (request, reply) => {
      const caller = known(request.caller);
      const household = (await households.find(caller.household)) ?? { id: caller.household, name: '' };
      const own = caller.kind === 'user' ? await passkeys.list(caller.user.id) : [];
      return reply.header('Cache-Control', 'no-store').send({ household, ...selfOf(caller, household, own) });
    },
  );

  app.patch<{ Body: { name: string } }>(
    '/api/v1/me',
    describe('Changes the name by which the household knows me', {
      body: {
        type: 'object',
        properties: { name: nameField },
        required: ['name'],
        additionalProperties: false,
      },
      response: { 204: { type: 'null' }, ...failures },
    }),
    async (request, reply) => {
      const { user, who, household } = userOf(request.caller);
      const name = cleanName(request.body.name);
      if (name === undefined) return reply.code(400).send({ code: 400, message: NAME_RULE });
      const changed = await users.change(user.id, household, { name });
      if (typeof changed === 'string') return hindered(reply, changed);
      const detail = `${user.name} is ${name} now`;
      audit.done({ who, household, what: 'user-change', from: callerAddress(request.raw), detail });
      return reply.code(204).send();
    },
  );

  app.put<{ Body: { password: string; current?: string } }>(
    '/api/v1/me/password',
    {
      ...describe('Sets or changes my password; other browsers of mine are signed out', {
        body: {
          type: 'object',
          properties: {
            password: { type: 'string', minLength: SHORTEST_PASSWORD, maxLength: LONGEST_PASSWORD },
            current: { type: 'string', maxLength: LONGEST_PASSWORD, description: 'Where there is one' },
          },
          required: ['password'],
          additionalProperties: false,
        },
        response: { 204: { type: 'null' }, ...failures },
      }),
      config: { ...config, limit: 'sign-in' },
    },
    async (request, reply) => {
      const { user, who, household, session } = userOf(request.caller);
      const { password, current = '' } = request.body;
      const from = callerAddress(request.raw);
      const before = await passwordTable.find(user.id);
      if (before !== undefined) {
        const checked = await passwords.check(current, before);
        if (checked === 'busy') return sayBusy(reply);
        if (checked === 'wrong') {
          refusals.note({ what: 'password-set', household, from, detail: 'the password so far was another' });
          return reply.code(401).send({ code: 401, message: 'the password so far is another' });
        }
      }
      const kept = await passwords.keep(password);
      if (kept === 'busy') return sayBusy(reply);
      if (!(await passwordTable.set(user.id, kept, before))) {
        return reply.code(409).send({ code: 409, message: 'the password was changed elsewhere just now' });
      }
      const ended =
        before === undefined ? 0 : await sessions.endOf({ kind: 'user', id: user.id }, session.id);
      const detail = before === undefined ? 'the first' : `changed; ${ended} other browsers signed out`;
      audit.done({ who, household, what: 'password-set', from, detail });
      await revocations.poll();
      return reply.code(204).send();
    },
  );

  app.post(
    '/api/v1/me/passkeys/options',
    describe('What the browser is to make a passkey of; a cookie binds it to the browser', {
      response: { 200: { type: 'object', additionalProperties: true }, ...failures },
    }),
    async (request, reply) => {
      const site = ownAddress(request);
      if (!site) return reply.code(400).send(NO_SITE);
      return sendQuestion(request, reply, await passkeys.askToMake(site, userOf(request.caller).user));
    },
  );
  app.post<{ Body: { name: string; response: unknown } }>(
    '/api/v1/me/passkeys',
    describe('Keeps the passkey that the browser made', {
      body: passkeyBody({ name: nameField }, ['name']),
      response: { 201: { type: 'object', properties: passkeyShape }, ...failures },
    }),
    async (request, reply) => {
      const { user, who, household } = userOf(request.caller);
      const site = ownAddress(request);
      if (!site) return reply.code(400).send(NO_SITE);
      const secret = readQuestion(request, reply);
      const name = cleanName(request.body.name);
      if (name === undefined) return reply.code(400).send({ code: 400, message: NAME_RULE });
      const from = callerAddress(request.raw);
      const made = await passkeys.make(site, secret, { user, name, response: request.body.response });
      if (typeof made === 'string') {
        refusals.note({ what: 'passkey-make', household, from, detail: made });
        return reply.code(400).send({ code: 400, message: `this passkey cannot be kept: ${made}` });
      }
      audit.done({ who, household, what: 'passkey-make', from, detail: name });
      return reply.code(201).send(shownPasskey(made));
    },
  );
  app.delete<{ Params: { id: string } }>(
    '/api/v1/me/passkeys/:id',
    describe('A passkey of mine signs nobody in any more', {
      ...doneTo,
      params: { type: 'object', properties: { id: { type: 'string', maxLength: 1_400 } } },
    }),
    async (request, reply) => {
      const { user, who, household } = userOf(request.caller);
      const removed = await passkeys.remove(request.params.id, user.id);
      if (!removed) return reply.code(404).send({ code: 404, message: 'there is no such passkey' });
      const detail = removed.name;
      audit.done({ who, household, what: 'passkey-remove', from: callerAddress(request.raw), detail });
      return reply.code(204).send();
    },
  );
}

/** As the app and its programs see who is signed in. */
function selfOf(caller: Known, household: Household, own: readonly Passkey[]): object {
  switch (caller.kind) {
    case 'user': {
      const { id, name, role, hasPassword, permissions } = caller.user;
      const lists = {
        ...Object.fromEntries(permissions),
        [EVERY_DEVICE]: allowedOn(caller.user).permissions,
      };
      const signInName = household.id === FIRST_HOUSEHOLD ? name : `${name}@${household.name}`;
      const passkeys = own.map(shownPasskey);
      return { id, name, role, signInName, hasPassword, passkeys, permissions: lists };
    }
    case 'invite': {
      const { id, for: name, topic, device, capture, permissions } = caller.invite;
      const lists = device === undefined ? {} : { [device]: permissions };
      const invite = { id, for: name, topic, device, capture, permissions };
      return { id, name, role: 'guest', invite, hasPassword: false, passkeys: [], permissions: lists };
    }
    case 'token':
    case 'device':
      throw new TypeError('config.permit: only who is signed in is somebody here');
  }
}

const shownPasskey = ({ id, name, created, lastUsed }: Passkey) => ({
  id,
  name,
  created: dateOf(created),
  lastUsed: dateOrNull(lastUsed),
});

const passkeyShape = {
  id: { type: 'string' },
  name: { type: 'string' },
  created: time,
  lastUsed: timeOrNull,
};

const text = { type: 'string' } as const;
const meAnswer = {
  200: {
    type: 'object',
    properties: {
      id: text,
      name: text,
      role: text,
      signInName: { ...text, description: 'What to type beside a password' },
      household: { type: 'object', properties: { id: text, name: text } },
      invite: {
        type: 'object',
        properties: {
          id: text,
          for: text,
          topic: text,
          device: text,
          capture: text,
          permissions: { type: 'array', items: text },
        },
      },
      hasPassword: { type: 'boolean' },
      passkeys: { type: 'array', items: { type: 'object', properties: passkeyShape } },
      permissions: permissionLists,
    },
  },
  ...failures,
};
