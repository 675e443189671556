import type { FastifyInstance } from 'fastify';
import type { Audit } from '../audit/audit.ts';
import type { Refusals } from '../audit/refusals.ts';
import { callerAddress, callerProgram } from '../auth/caller.ts';
import type { Revocations } from '../auth/revocations.ts';
import type { Library } from '../captures/library.ts';
import type { Invite } from '../invites/invite.ts';
import type { Invites } from '../invites/invites.ts';
import { userOf } from '../people/caller.ts';
import type { Callers } from '../people/callers.ts';
import { cleanName, NAME_RULE } from '../people/names.ts';
import { rightAt } from '../people/rights.ts';
import { noFilm } from './capture-shapes.ts';
import { ownAddress } from './own-address.ts';
import { nameField } from './person-shapes.ts';
import { giveCookie } from './session-cookie.ts';
import { byId, dateOf, dateOrNull, doneTo, failures, listOf, time, timeOrNull } from './shapes.ts';
import { NO_SITE } from './sign-in.ts';

export interface CaptureShareOptions {
  readonly library: Library;
  readonly invites: Invites;
  readonly callers: Callers;
  readonly revocations: Revocations;
  readonly audit: Audit;
  readonly refusals: Refusals;
}

const SHORTEST_S = 60;
const LONGEST_S = 90 * 24 * 3_600;
const ANYBODY = 'whoever has the link';

/** Links to one film, for people without an account: invites (`invites/`) that are to nothing else. */
export function captureShareRoutes(app: FastifyInstance, options: CaptureShareOptions): void {
  const { library, invites, callers, revocations, audit, refusals } = options;
  const toShare = { config: { permit: { to: 'capture', least: 'member' } } } as const;
  const tags = ['captures'];
  const security = [{ cookie: [] }];

  app.get<{ Params: { id: string } }>(
    '/api/v1/captures/:id/shares',
    {
      ...toShare,
      schema: {
        ...{
          summary: 'The links to a capture that are good: an owner sees all, a member his own',
          tags,
          security,
        },
        ...{ params: byId, ...listOf(shape) },
      },
    },
    async ({ params, caller }) => {
      const { user, household } = userOf(caller);
      const maker = user.role === 'owner' ? undefined : user.id;
      return (await invites.listOf(params.id, household, maker)).map(shown);
    },
  );

  app.post<{ Params: { id: string }; Body: { seconds: number; for?: string } }>(
    '/api/v1/captures/:id/shares',
    {
      ...toShare,
      schema: {
        ...{ summary: 'Makes a link to a capture; it is in the answer and nowhere else', tags, security },
        params: byId,
        body: {
          type: 'object',
          properties: {
            seconds: { type: 'integer', minimum: SHORTEST_S, maximum: LONGEST_S, description: 'Its life' },
            for: { ...nameField, description: 'The name of whom it is for' },
          },
          required: ['seconds'],
          additionalProperties: false,
        },
        response: {
          201: {
            type: 'object',
            properties: {
              ...shape,
              link: { type: 'string' },
              qr: { type: 'string', description: 'The link, SVG' },
            },
          },
          ...failures,
        },
      },
    },
    async (request, reply) => {
      const { user, household, who } = userOf(request.caller);
      const { seconds, for: given = ANYBODY } = request.body;
      const name = cleanName(given);
      if (name === undefined) return reply.code(400).send({ code: 400, message: NAME_RULE });
      const address = ownAddress(request);
      if (!address) return reply.code(400).send(NO_SITE);
      const film = await library.find(request.params.id);
      if (!film) return noFilm(reply);
      const made = await invites.create({
        ...{ household, madeBy: user.id, for: name, permissions: ['captures'] },
        place: { capture: film.id, device: film.device },
        ...{ lifeMs: seconds * 1_000, once: false },
      });
      if (made === 'too-many') {
        const message = 'there are as many links as a household may have; end some';
        return reply.code(409).send({ code: 409, message });
      }
      const { id, expires } = made.invite;
      const of = `the capture of ${dateOf(film.timestamp * 1_000)}`;
      const detail = `${of}: link ${id} for ${name}, until ${dateOf(expires)}`;
      const { device } = film;
      audit.done({ who, household, device, what: 'capture-share', from: callerAddress(request.raw), detail });
      const link = `${address.origin}/#/film/${made.secret}`;
      const qrcode = await import('qrcode');
      const qr = await qrcode.toString(link, { type: 'svg', margin: 2 });
      return reply
        .code(201)
        .header('Cache-Control', 'no-store')
        .send({ ...shown(made.invite), link, qr });
    },
  );

  app.delete<{ Params: { id: string } }>(
    '/api/v1/captures/shares/:id',
    {
      config: { permit: { to: 'member' } },
      schema: {
        ...{ summary: 'Ends a link to a capture, and what was opened by it: an owner any, a member his own' },
        ...{ tags, security, ...doneTo },
      },
    },
    async (request, reply) => {
      const { user, household, who } = userOf(request.caller);
      const maker = user.role === 'owner' ? undefined : user.id;
      const invite = await invites.end(request.params.id, household, maker);
      if (!invite) return reply.code(404).send({ code: 404, message: 'there is no such link' });
      const { device } = invite.place;
      const from = callerAddress(request.raw);
      const detail = `link ${invite.id} for ${invite.for} was ended`;
      audit.done({ who, household, ...(device && { device }), what: 'invite-end', from, detail });
      await revocations.poll();
      return reply.code(204).send();
    },
  );

  app.post<{ Body: { secret: string } }>(
    '/api/v1/shares/open',
    {
      config: { permit: { to: 'everyone', origin: 'own' }, limit: 'invite' },
      schema: {
        summary:
          'Opens a link to a capture by its secret; sets a session cookie that sees this capture alone',
        tags,
        body: {
          type: 'object',
          properties: { secret: { type: 'string', minLength: 1, maxLength: 256 } },
          required: ['secret'],
        },
        response: {
          200: { type: 'object', properties: { capture: { type: 'string' }, ...opened } },
          ...failures,
        },
      },
    },
    async (request, reply) => {
      const from = { address: callerAddress(request.raw), userAgent: callerProgram(request.raw) };
      const opening = await invites.openFilm(request.body.secret, from);
      const film = opening && (await library.find(opening.invitation.capture ?? ''));
      if (!opening || !film) {
        refusals.note({
          what: 'capture-share',
          from: from.address,
          detail: 'the secret of no link that is good',
        });
        const message = 'this link has expired or was ended, or the film was deleted; ask for a new one';
        return reply.code(410).send({ code: 410, message });
      }
      const { invitation, begun } = opening;
      const { id, for: name, household, expires } = invitation;
      audit.done({
        who: { kind: 'invite', id, name },
        ...{ household, device: film.device, what: 'invite-open', from: from.address },
        detail: `the capture of ${dateOf(film.timestamp * 1_000)}; session ${begun.session.id}; ${from.userAgent}`,
      });
      // Who may see it anyhow stays who he is.
      const already = await callers.ofSession(request);
      const place = { household, device: film.device, capture: film.id };
      const isKnown = already && rightAt(already, place, ['captures']).permissions.length > 0;
      if (!isKnown) giveCookie(request, reply, begun);
      return { capture: film.id, for: name, expires: dateOf(expires) };
    },
  );
}

const opened = {
  for: { type: 'string', description: 'The name of whom it is for' },
  expires: time,
} as const;

const shape = {
  id: { type: 'string' },
  ...opened,
  created: time,
  openings: { type: 'integer', description: 'How often it was opened' },
  lastUsed: timeOrNull,
} as const;

const shown = ({ id, for: name, created, expires, openings, lastOpened }: Invite) => ({
  ...{ id, for: name, created: dateOf(created), expires: dateOf(expires) },
  ...{ openings, lastUsed: dateOrNull(lastOpened) },
});
