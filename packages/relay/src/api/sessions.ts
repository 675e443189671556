import type { FastifyInstance } from 'fastify';
import type { Audit } from '../audit/audit.ts';
import type { AppSession, AppSessions } from '../auth/app-sessions.ts';
import { callerAddress } from '../auth/caller.ts';
import type { Revocations } from '../auth/revocations.ts';
import { type Known, known } from '../people/caller.ts';
import { takeCookie } from './session-cookie.ts';
import { dated, doneTo, listOf, time, timeOrNull } from './shapes.ts';

/** Which browsers are signed in, and how to end that: an owner all of the household's, everybody else his own. */
export function sessionsRoutes(
  app: FastifyInstance,
  options: { sessions: AppSessions; revocations: Revocations; audit: Audit },
): void {
  const { sessions, revocations, audit } = options;
  const config = { permit: { to: 'session' } } as const;
  const describe = (summary: string, rest: object) => ({
    config,
    schema: { summary, tags: ['app'], security: [{ cookie: [] }], ...rest },
  });

  async function visibleTo(caller: Known): Promise<AppSession[]> {
    if (caller.kind === 'invite') return [caller.session];
    const all = await sessions.list(caller.household);
    const isOwner = caller.kind === 'user' && caller.user.role === 'owner';
    return isOwner ? all : all.filter(({ of }) => of.id === caller.who.id);
  }

  /** Here at once; other relays see it within half a second. */
  async function end(caller: Known, id: string, from: string): Promise<boolean> {
    const session = await sessions.end(id);
    if (!session) return false;
    const { who, household } = caller;
    audit.done({ who, household, what: 'session-end', from, detail: `session ${id}` });
    await revocations.poll();
    return true;
  }

  const shape = {
    id: { type: 'string' },
    user: { type: 'string', description: 'Whose it is; absent where it is of an invite' },
    created: time,
    expires: time,
    lastUsed: timeOrNull,
    address: { type: 'string' },
    userAgent: { type: 'string' },
    current: { type: 'boolean', description: 'It is the one that asks' },
  };
  app.get(
    '/api/v1/sessions',
    describe('The browsers that are signed in: an owner sees all of the household', listOf(shape)),
    async (request) => {
      const caller = known(request.caller);
      const own = 'session' in caller ? caller.session.id : undefined;
      return (await visibleTo(caller)).map((session) => ({
        ...dated(session),
        ...(session.of.kind === 'user' && { user: session.of.id }),
        current: session.id === own,
      }));
    },
  );
  app.delete<{ Params: { id: string } }>(
    '/api/v1/sessions/:id',
    describe('Signs a browser out, and ends what it has open', doneTo),
    async (request, reply) => {
      const caller = known(request.caller);
      const { id } = request.params;
      const isThere = (await visibleTo(caller)).some((session) => session.id === id);
      if (isThere && (await end(caller, id, callerAddress(request.raw)))) return reply.code(204).send();
      return reply.code(404).send({ code: 404, message: 'there is no such session' });
    },
  );
  app.post(
    '/api/v1/sign-out',
    describe('Signs this browser out', { response: doneTo.response }),
    async (request, reply) => {
      const caller = known(request.caller);
      if ('session' in caller) await end(caller, caller.session.id, callerAddress(request.raw));
      takeCookie(request, reply);
      return reply.code(204).send();
    },
  );
}
