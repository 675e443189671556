import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Audit } from '../audit/audit.ts';
import { tokenMade, tokenRevoked } from '../audit/host-notes.ts';
import type { AppSession, AppSessions } from '../auth/app-sessions.ts';
import { callerAddress } from '../auth/caller.ts';
import { type Gate, isSameOrigin } from '../auth/gate.ts';
import type { Revocations } from '../auth/revocations.ts';
import { type Scope, scopes, type Tokens } from '../auth/tokens.ts';

const time = { type: 'string', format: 'date-time' } as const;
const timeOrNull = { type: ['string', 'null'], format: 'date-time' } as const;
/** Ten years. */
const LONGEST_TTL_S = 315_360_000;
const byId = { type: 'object', properties: { id: { type: 'string', maxLength: 64 } } } as const;

/** Who is signed in, and which tokens there are; and how to end either. For whoever is signed in. */
export function rightsRoutes(
  app: FastifyInstance,
  options: { gate: Gate; sessions: AppSessions; tokens: Tokens; revocations: Revocations; audit: Audit },
): void {
  const { gate, sessions, tokens, revocations, audit } = options;

  /** The session that asks. Where there is none the answer is sent, and `undefined` returned. */
  async function signedIn(request: FastifyRequest, reply: FastifyReply): Promise<AppSession | undefined> {
    const session = await gate.session(request);
    if (!session) await reply.code(401).send({ code: 401, message: 'a sign-in is needed' });
    else if (request.method === 'GET' || isSameOrigin(request.headers)) return session;
    else await reply.code(403).send({ code: 403, message: 'another site may change nothing here' });
    return undefined;
  }

  const describe = (summary: string, rest: object) => ({
    schema: { summary, tags: ['app'], security: [{ cookie: [] }], ...rest },
  });
  const listOf = (properties: object) => ({
    response: { 200: { type: 'array', items: { type: 'object', properties } }, '4xx': { $ref: 'error#' } },
  });
  const ended = { params: byId, response: { 204: { type: 'null' }, '4xx': { $ref: 'error#' } } };

  const sessionShape = {
    id: { type: 'string' },
    created: time,
    expires: time,
    lastUsed: timeOrNull,
    address: { type: 'string' },
    userAgent: { type: 'string' },
    current: { type: 'boolean', description: 'It is the one that asks' },
  };
  app.get(
    '/api/v1/sessions',
    describe('The browsers that are signed in', listOf(sessionShape)),
    async (request, reply) => {
      const own = await signedIn(request, reply);
      if (!own) return reply;
      const list = await sessions.list();
      return list.map((session) => ({ ...dated(session), current: session.id === own.id }));
    },
  );
  app.delete<{ Params: { id: string } }>(
    '/api/v1/sessions/:id',
    describe('Signs a browser out, and ends what it has open', ended),
    async (request, reply) => {
      const own = await signedIn(request, reply);
      if (!own) return reply;
      const session = await sessions.end(request.params.id);
      if (!session) return reply.code(404).send({ code: 404, message: 'there is no such session' });
      const who = { kind: 'session', id: own.id } as const;
      audit.done({
        who,
        what: 'session-end',
        from: callerAddress(request.raw),
        detail: `session ${session.id}`,
      });
      // Here at once; other relays see it within half a second.
      await revocations.poll();
      return reply.code(204).send();
    },
  );

  const tokenShape = {
    id: { type: 'string' },
    topic: { type: 'string' },
    scope: { type: 'array', items: { type: 'string' } },
    created: time,
    expires: time,
    lastUsed: timeOrNull,
  };
  app.get(
    '/api/v1/tokens',
    describe('The API tokens, without their secrets', listOf(tokenShape)),
    async (request, reply) => {
      if (!(await signedIn(request, reply))) return reply;
      return (await tokens.valid()).map(dated);
    },
  );
  app.post<{ Body: { topic: string; scope: Scope[]; ttl: number } }>(
    '/api/v1/tokens',
    describe('Makes an API token; its secret is in the answer and nowhere else', {
      body: {
        type: 'object',
        properties: {
          topic: { type: 'string', minLength: 1, maxLength: 256, description: 'Glob of topic names' },
          scope: { type: 'array', minItems: 1, maxItems: scopes.length, items: { enum: [...scopes] } },
          ttl: { type: 'integer', minimum: 1, maximum: LONGEST_TTL_S, description: 'Its life in seconds' },
        },
        required: ['topic', 'scope', 'ttl'],
        additionalProperties: false,
      },
      response: {
        201: { type: 'object', properties: { ...tokenShape, token: { type: 'string' } } },
        '4xx': { $ref: 'error#' },
      },
    }),
    async (request, reply) => {
      const own = await signedIn(request, reply);
      if (!own) return reply;
      const { topic, scope, ttl } = request.body;
      const { secret, record } = await tokens.create({ topic, scope, ttlMs: ttl * 1_000 });
      const who = { kind: 'session', id: own.id } as const;
      audit.done({ ...tokenMade(record), who, from: callerAddress(request.raw) });
      return reply
        .code(201)
        .header('Cache-Control', 'no-store')
        .send({ ...dated(record), token: secret });
    },
  );
  app.delete<{ Params: { id: string } }>(
    '/api/v1/tokens/:id',
    describe('Ends a token, and what rests on it', ended),
    async (request, reply) => {
      const own = await signedIn(request, reply);
      if (!own) return reply;
      const token = await tokens.revoke(request.params.id);
      if (!token) return reply.code(404).send({ code: 404, message: 'there is no such token' });
      const who = { kind: 'session', id: own.id } as const;
      const from = callerAddress(request.raw);
      audit.done({ ...tokenRevoked(token), who, from });
      await revocations.poll();
      return reply.code(204).send();
    },
  );
}

/** Milliseconds as dates. */
const dated = <T extends { created: number; expires: number; lastUsed: number | undefined }>(record: T) => ({
  ...record,
  created: new Date(record.created).toISOString(),
  expires: new Date(record.expires).toISOString(),
  lastUsed: record.lastUsed === undefined ? null : new Date(record.lastUsed).toISOString(),
});
