import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Audit } from '../audit/audit.ts';
import type { Refusals } from '../audit/refusals.ts';
import type { AppSessions, NewSession, SignInPlace } from '../auth/app-sessions.ts';
import { callerAddress, callerProgram } from '../auth/caller.ts';
import type { Limiter } from '../limits/limiter.ts';
import { FIRST_HOUSEHOLD } from '../people/household.ts';
import { parseSignInName } from '../people/names.ts';
import { LONGEST_PASSWORD } from '../people/password/passwords.ts';
import type { People } from '../people/people.ts';
import { tooMany } from './limit.ts';
import { ownAddress } from './own-address.ts';
import { passkeyBody, readQuestion, sendQuestion } from './passkey-question.ts';
import { giveCookie } from './session-cookie.ts';
import { failures } from './shapes.ts';

export interface SignInOptions {
  readonly sessions: AppSessions;
  readonly people: People;
  readonly limiter: Limiter;
  readonly audit: Audit;
  readonly refusals: Refusals;
}

/** Who opens the app shows who he is: by a link's secret, a password, or a passkey. He gets a cookie for it. */
export function signInRoutes(app: FastifyInstance, options: SignInOptions): void {
  const { sessions, people, limiter, audit, refusals } = options;
  const { users, passwords, passwordTable, passkeys } = people;
  const describe = (summary: string, rest: object) => ({
    config: { permit: { to: 'everyone', origin: 'own' }, limit: 'sign-in' } as const,
    schema: { summary, tags: ['app'], response: { 204: { type: 'null' }, ...failures }, ...rest },
  });
  const textBody = (...names: string[]) => ({
    body: {
      type: 'object',
      properties: Object.fromEntries(
        names.map((name) => [name, { type: 'string', minLength: 1, maxLength: LONGEST_PASSWORD }]),
      ),
      required: names,
    },
  });

  async function letIn(
    request: FastifyRequest,
    reply: FastifyReply,
    begun: NewSession,
    by: string,
  ): Promise<FastifyReply> {
    const { session } = begun;
    const user = await users.find(session.of.id);
    if (!user) return refuse(request, reply, 'somebody who was removed just now', BAD_LINK);
    audit.done({
      who: { kind: 'user', id: user.id, name: user.name },
      household: user.household,
      what: 'sign-in',
      from: session.address,
      detail: `by ${by}; session ${session.id}; ${session.userAgent}`,
    });
    giveCookie(request, reply, begun);
    return reply.code(204).send();
  }

  function refuse(
    request: FastifyRequest,
    reply: FastifyReply,
    detail: string,
    message: string,
  ): FastifyReply {
    refusals.note({ what: 'sign-in', from: callerAddress(request.raw), detail });
    return reply.code(401).send({ code: 401, message });
  }

  app.post<{ Body: { secret: string } }>(
    '/api/v1/sign-in',
    describe('Spends the secret of a sign-in link; sets the session cookie', textBody('secret')),
    async (request, reply) => {
      const begun = await sessions.signIn(request.body.secret, placeOf(request));
      if (begun) return letIn(request, reply, begun, 'link');
      return refuse(request, reply, 'the secret of no sign-in link that is good', BAD_LINK);
    },
  );

  app.post<{ Body: { name: string; password: string } }>(
    '/api/v1/sign-in/password',
    describe(
      'Signs in by name and password. `Anna@lab`: of another household than the first',
      textBody('name', 'password'),
    ),
    async (request, reply) => {
      const { name, password } = request.body;
      const { user, household = FIRST_HOUSEHOLD } = parseSignInName(name);
      const wait = limiter.takeAccount(`${household}/${user}`, callerAddress(request.raw));
      if (wait > 0) return tooMany(reply, wait);
      const found = await passwordTable.findByName(name);
      const checked = await passwords.check(password, found?.kept);
      if (checked === 'busy') return sayBusy(reply);
      if (checked === 'wrong' || !found)
        return refuse(request, reply, 'a wrong name or password', BAD_PASSWORD);
      const begun = await sessions.begin({ kind: 'user', id: found.user }, placeOf(request));
      return letIn(request, reply, begun, 'password');
    },
  );

  app.post(
    '/api/v1/sign-in/passkey/options',
    describe('What the browser is to ask a passkey for; a cookie binds it to the browser', {
      response: { 200: { type: 'object', additionalProperties: true }, ...failures },
    }),
    async (request, reply) => {
      const site = ownAddress(request);
      if (!site) return reply.code(400).send(NO_SITE);
      return sendQuestion(request, reply, await passkeys.askToShow(site));
    },
  );
  app.post<{ Body: { response: unknown } }>(
    '/api/v1/sign-in/passkey',
    describe('Signs in by what the passkey answered', { body: passkeyBody() }),
    async (request, reply) => {
      const site = ownAddress(request);
      if (!site) return reply.code(400).send(NO_SITE);
      const shown = await passkeys.show(site, readQuestion(request, reply), request.body.response);
      if (typeof shown === 'string') return refuse(request, reply, shown, BAD_PASSKEY);
      const begun = await sessions.begin({ kind: 'user', id: shown.user }, placeOf(request));
      return letIn(request, reply, begun, `passkey ${shown.name}`);
    },
  );
}

/** Too many hash passwords now. */
export const sayBusy = (reply: FastifyReply): FastifyReply =>
  reply
    .code(429)
    .header('Retry-After', '10')
    .send({ code: 429, message: 'too many passwords are being checked; try again in 10 s' });

export const NO_SITE = { code: 400, message: 'the Host header is no host name' } as const;

const placeOf = (request: FastifyRequest): SignInPlace => ({
  address: callerAddress(request.raw),
  userAgent: callerProgram(request.raw),
});

const BAD_LINK = 'this link was used, or is too old';
const BAD_PASSWORD = 'name and password do not fit together';
const BAD_PASSKEY = 'this passkey does not sign in anybody here';
