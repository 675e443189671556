import type { FastifyInstance } from 'fastify';
import type { Audit } from '../audit/audit.ts';
import type { Refusals } from '../audit/refusals.ts';
import type { AppSessions } from '../auth/app-sessions.ts';
import { callerAddress, callerProgram } from '../auth/caller.ts';
import { type Gate, isSameOrigin, SESSION_COOKIE } from '../auth/gate.ts';

/** Opening the app: a sign-in link's secret for a cookie. */
export function appAccessRoutes(
  app: FastifyInstance,
  options: { sessions: AppSessions; gate: Gate; audit: Audit; refusals: Refusals; isTls: boolean },
): void {
  app.post<{ Body: { secret: string } }>(
    '/api/v1/sign-in',
    {
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
      if (request.headers.origin !== undefined && !isSameOrigin(request.headers)) {
        return reply.code(403).send({ code: 403, message: 'another site may not sign anybody in here' });
      }
      const from = { address: callerAddress(request.raw), userAgent: callerProgram(request.raw) };
      const signedIn = await options.sessions.signIn(request.body.secret, from);
      if (!signedIn) {
        const detail = 'the secret of no sign-in link that is good';
        options.refusals.note({ what: 'sign-in', from: from.address, detail });
        return reply.code(401).send({ code: 401, message: 'this link was used or is older than 15 minutes' });
      }
      options.audit.done({
        who: { kind: 'session', id: signedIn.session.id },
        what: 'sign-in',
        from: from.address,
        detail: from.userAgent,
      });
      const secure = options.isTls || request.headers['x-forwarded-proto'] === 'https';
      const parts = [
        `${SESSION_COOKIE}=${signedIn.cookie}`,
        'Path=/',
        `Max-Age=${options.sessions.cookieSeconds}`,
        'HttpOnly',
        'SameSite=Lax',
        ...(secure ? ['Secure'] : []),
      ];
      return reply.header('Set-Cookie', parts.join('; ')).code(204).send();
    },
  );
}
