import type { FastifyInstance } from 'fastify';
import type { Audit } from '../audit/audit.ts';
import { tokenMade, tokenRevoked } from '../audit/host-notes.ts';
import { callerAddress } from '../auth/caller.ts';
import type { Revocations } from '../auth/revocations.ts';
import { type Scope, scopes, type Tokens } from '../auth/tokens.ts';
import { userOf } from '../people/caller.ts';
import { dated, doneTo, failures, listOf, time, timeOrNull } from './shapes.ts';

/** Ten years. */
const LONGEST_TTL_S = 315_360_000;

/** The API tokens of a household, for its owners: a token can do what no member's permissions limit. */
export function tokensRoutes(
  app: FastifyInstance,
  options: { tokens: Tokens; revocations: Revocations; audit: Audit },
): void {
  const { tokens, revocations, audit } = options;
  const config = { permit: { to: 'owner' } } as const;
  const describe = (summary: string, rest: object) => ({
    config,
    schema: { summary, tags: ['app'], security: [{ cookie: [] }], ...rest },
  });

  const shape = {
    id: { type: 'string' },
    topic: { type: 'string' },
    scope: { type: 'array', items: { type: 'string' } },
    created: time,
    expires: time,
    lastUsed: timeOrNull,
  };
  app.get(
    '/api/v1/tokens',
    describe('The API tokens, without their secrets', listOf(shape)),
    async (request) => (await tokens.valid(userOf(request.caller).household)).map(dated),
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
      response: { 201: { type: 'object', properties: { ...shape, token: { type: 'string' } } }, ...failures },
    }),
    async (request, reply) => {
      const { user, household, who } = userOf(request.caller);
      const { topic, scope, ttl } = request.body;
      const wanted = { topic, scope, ttlMs: ttl * 1_000, household, madeBy: user.id };
      const { secret, record } = await tokens.create(wanted);
      audit.done({ ...tokenMade(record), who, from: callerAddress(request.raw) });
      return reply
        .code(201)
        .header('Cache-Control', 'no-store')
        .send({ ...dated(record), token: secret });
    },
  );
  app.delete<{ Params: { id: string } }>(
    '/api/v1/tokens/:id',
    describe('Ends a token, and what rests on it', doneTo),
    async (request, reply) => {
      const { household, who } = userOf(request.caller);
      const token = await tokens.revoke(request.params.id, household);
      if (!token) return reply.code(404).send({ code: 404, message: 'there is no such token' });
      audit.done({ ...tokenRevoked(token), who, from: callerAddress(request.raw) });
      await revocations.poll();
      return reply.code(204).send();
    },
  );
}
