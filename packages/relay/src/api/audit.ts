import type { FastifyInstance } from 'fastify';
import type { Audit } from '../audit/audit.ts';
import type { AuditRecord } from '../audit/chain.ts';
import { listAudit } from '../audit/list.ts';
import { known } from '../people/caller.ts';
import type { Database } from '../storage/database.ts';

const DEFAULT_PAGE = 100;
const LARGEST_PAGE = 1_000;
const time = { type: 'string', format: 'date-time' } as const;

/** `GET /api/v1/audit`: who did what, for every member of the household. */
export function auditRoutes(app: FastifyInstance, options: { audit: Audit; database: Database }): void {
  const { audit, database } = options;
  app.get<{ Querystring: { before?: string; limit?: number } }>(
    '/api/v1/audit',
    {
      config: { permit: { to: 'scope', scope: 'audit', or: 'member' } },
      schema: {
        summary: 'Who did what, the latest first: viewing, publishing, sign-ins, tokens, refused attempts',
        tags: ['audit'],
        security: [{ token: [] }, { cookie: [] }],
        querystring: {
          type: 'object',
          properties: {
            before: { type: 'string', maxLength: 128, description: '`next` of the page before' },
            limit: { type: 'integer', minimum: 1, maximum: LARGEST_PAGE, default: DEFAULT_PAGE },
          },
        },
        response: {
          200: {
            type: 'object',
            properties: {
              entries: {
                type: 'array',
                items: {
                  type: 'object',
                  properties: {
                    node: { type: 'string', description: 'The relay that wrote it' },
                    seq: { type: 'integer', description: 'Its place in the chain of that relay' },
                    who: {
                      type: 'object',
                      properties: {
                        kind: { type: 'string' },
                        id: { type: 'string' },
                        name: { type: 'string' },
                      },
                      required: ['kind'],
                    },
                    what: { type: 'string' },
                    topic: { type: 'string' },
                    device: { type: 'string' },
                    from: { type: 'string' },
                    at: time,
                    until: time,
                    outcome: { type: 'string', enum: ['begun', 'ended', 'done', 'refused'] },
                    detail: { type: 'string' },
                    times: { type: 'integer' },
                    hash: { type: 'string' },
                  },
                  required: ['node', 'seq', 'who', 'what', 'from', 'at', 'outcome', 'times', 'hash'],
                },
              },
              next: { type: 'string', description: 'Absent on the last page' },
            },
            required: ['entries'],
          },
          '4xx': { $ref: 'error#' },
        },
      },
    },
    async (request, reply) => {
      const { household } = known(request.caller);
      const { before, limit = DEFAULT_PAGE } = request.query;
      // What was noted a moment ago is in the answer.
      await audit.flush();
      try {
        const { records, next } = await listAudit(database, { household, before, limit });
        return reply.header('Cache-Control', 'no-store').send({ entries: records.map(entryOf), next });
      } catch (error) {
        if (!(error instanceof TypeError)) throw error;
        return reply.code(400).send({ code: 400, message: error.message });
      }
    },
  );
}

/** As people and their programs read it: with dates. */
const entryOf = ({ at, until, household: _theirOwn, ...record }: AuditRecord) => ({
  ...record,
  at: new Date(at).toISOString(),
  ...(until !== undefined && { until: new Date(until).toISOString() }),
});
