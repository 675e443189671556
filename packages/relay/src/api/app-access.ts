import type { FastifyInstance } from 'fastify';
import type { Audit } from '../audit/audit.ts';
import type { Refusals } from '../audit/refusals.ts';
import type { AppSessions } from '../auth/app-sessions.ts';
import { callerAddress, callerProgram } from '../auth/caller.ts';
import { FIRST_HOUSEHOLD } from '../people/household.ts';
import type { Users } from '../people/users.ts';
import { type CookieOptions, giveCookie } from './session-cookie.ts';

/** Opening the app: a sign-in link's secret for a cookie. */
export function appAccessRoutes(
  app: FastifyInstance,
  options: CookieOptions & { sessions: AppSessions; users: Users; audit: Audit; refusals: Refusals },
): void {
  app.post<{ Body: { secret: string } }>(
    '/api/v1/sign-in',
    {
      config: { permit: { to: 'everyone', origin: 'own' }, limit: 'sign-in' },
      schema: {
        summary: 'Spends the secret of a sign-in link; sets the session cookie',
        tags: ['app'],
        body: {
          type: 'object',
          properties: { secret: { type: 'string', minLength: 1, maxLength: 256 } },
          required: ['secret'],
        },
        response: { 204: { type: 'null' }, '4xx': { $ref: 'error#' } },
      },
    },
    async (request, reply) => {
      const from = { address: callerAddress(request.raw), userAgent: callerProgram(request.raw) };
      const signedIn = await options.sessions.signIn(request.body.secret, from);
      if (!signedIn) {
        const detail = 'the secret of no sign-in link that is good';
        options.refusals.note({ what: 'sign-in', from: from.address, detail });
        return reply.code(401).send({ code: 401, message: 'this link was used, or is too old' });
      }
      const { session } = signedIn;
      const user = await options.users.find(session.of.id);
      options.audit.done({
        who: { ...session.of, ...(user && { name: user.name }) },
        household: user?.household ?? FIRST_HOUSEHOLD,
        what: 'sign-in',
        from: from.address,
        detail: from.userAgent,
      });
      giveCookie(request, reply, signedIn, options);
      return reply.code(204).send();
    },
  );
}
