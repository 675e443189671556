import type { Clock } from '@perch/runtime';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Audit } from '../audit/audit.ts';
import type { Act } from '../audit/entry.ts';
import type { Refusals } from '../audit/refusals.ts';
import { callerAddress } from '../auth/caller.ts';
import type { Gate } from '../auth/gate.ts';
import type { Revocations } from '../auth/revocations.ts';
import type { CaptureSummary } from '../captures/capture.ts';
import type { Captures } from '../captures/captures.ts';
import type { RetentionLimits } from '../captures/retention.ts';
import { shelfOf } from '../captures/shelf-of.ts';
import type { Invites } from '../invites/invites.ts';
import { known, userOf } from '../people/caller.ts';
import type { Callers } from '../people/callers.ts';
import { daysOf } from './capture-days.ts';
import { captureEventRoutes } from './capture-events.ts';
import { type CaptureFileOptions, captureFileRoutes } from './capture-files.ts';
import {
  alarmShape,
  filmDetail,
  filmShape,
  noFilm,
  shownAlarm,
  shownFilm,
  shownSegment,
} from './capture-shapes.ts';
import { captureShareRoutes } from './capture-shares.ts';
import type { Permit } from './permit.ts';
import { byId, dateOf, doneTo, failures, listOf, time } from './shapes.ts';

export interface CaptureRoutesOptions {
  readonly captures: Captures;
  readonly devices: CaptureFileOptions['devices'];
  readonly invites: Invites;
  readonly callers: Callers;
  readonly gate: Gate;
  readonly revocations: Revocations;
  readonly audit: Audit;
  readonly refusals: Refusals;
  readonly clock: Clock;
}

type ById = { Params: { id: string } };
interface ListQuery {
  device?: string;
  cause?: 'motion' | 'asked';
  alarm?: boolean;
  since?: string;
  until?: string;
  after?: string;
  limit?: number;
}

const MOST_LISTED = 200;
const DAY_MS = 86_400_000;

/** What cameras filmed: to find, see, share, keep and delete. */
export function captureRoutes(app: FastifyInstance, options: CaptureRoutesOptions): void {
  const { captures, gate, audit, clock } = options;
  const { library, catalogue, retention } = captures;
  const toSee: Permit = { to: 'capture' };
  const toChange: Permit = { to: 'capture', least: 'member' };
  const describe = (permit: Permit, summary: string, rest: object = {}) => ({
    config: { permit },
    schema: { summary, tags: ['captures'], security: [{ cookie: [] }], ...rest },
  });
  captureFileRoutes(app, options);
  captureShareRoutes(app, { ...options, library });
  captureEventRoutes(app, { news: captures.news, gate, clock });

  app.get<{ Querystring: ListQuery }>(
    '/api/v1/captures',
    describe({ to: 'session' }, 'The captures that the caller may see, the newest first', {
      querystring: listQuery,
      ...listOf(filmShape),
    }),
    async ({ query, caller }, reply) => {
      const { limit = 50, device, cause, alarm } = query;
      const after = query.after === undefined ? undefined : await library.find(query.after);
      if (query.after !== undefined && !after) return noFilm(reply);
      const which = { shelf: shelfOf(known(caller)), device, ...boundsOf(query) };
      const films = await catalogue.list({ ...which, cause, withAlarm: alarm, after, most: limit });
      return films.map(shownFilm);
    },
  );
  app.get<{ Querystring: Pick<ListQuery, 'device' | 'since' | 'until' | 'limit'> }>(
    '/api/v1/captures/alarms',
    describe({ to: 'session' }, 'Alarms of the devices whose captures the caller may see, the newest first', {
      querystring: alarmQuery,
      ...listOf(alarmShape),
    }),
    async ({ query, caller }) => {
      const { limit = 50, device } = query;
      const which = { shelf: shelfOf(known(caller)), device, ...boundsOf(query) };
      return (await catalogue.alarms({ ...which, most: limit })).map(shownAlarm);
    },
  );
  app.get<{ Querystring: { device?: string; from?: string; to?: string; zone?: string } }>(
    '/api/v1/captures/days',
    describe({ to: 'session' }, 'How many captures and alarms there are of each day that has any', {
      querystring: daysQuery,
      ...listOf(dayShape),
    }),
    async ({ query, caller }, reply) => {
      const { device, zone = 'UTC', to = dateOf(clock.wall()).slice(0, 10) } = query;
      const { from = dateOf(Date.parse(to) - 30 * DAY_MS).slice(0, 10) } = query;
      const days = await daysOf(catalogue, { shelf: shelfOf(known(caller)), device, from, to, zone });
      return typeof days === 'string' ? reply.code(400).send({ code: 400, message: days }) : days;
    },
  );
  app.get(
    '/api/v1/captures/retention',
    describe({ to: 'member' }, 'How long the household keeps captures, and how much it has', {
      response: { 200: { type: 'object', properties: retentionAnswer }, ...failures },
    }),
    async ({ caller }) => {
      const { household } = userOf(caller);
      return shownRetention(await retention.limits(household), await retention.used(household));
    },
  );
  app.put<{ Body: { days: number | null; bytes: number | null } }>(
    '/api/v1/captures/retention',
    describe(
      { to: 'owner' },
      'Says how long the household keeps captures; what is marked is kept in any case',
      {
        body: {
          type: 'object',
          properties: retentionShape,
          required: ['days', 'bytes'],
          additionalProperties: false,
        },
        response: { 200: { type: 'object', properties: retentionAnswer }, ...failures },
      },
    ),
    async (request) => {
      const { who, household } = userOf(request.caller);
      const { days, bytes } = request.body;
      const limits = { days: days ?? undefined, bytes: bytes ?? undefined };
      await retention.setLimits(household, limits);
      const detail = `keeps captures ${days ?? 'any number of'} days, ${bytes ?? 'any number of'} bytes`;
      audit.done({ who, household, what: 'capture-change', from: callerAddress(request.raw), detail });
      return shownRetention(limits, await retention.used(household));
    },
  );
  app.get<ById>(
    '/api/v1/captures/:id',
    describe(toSee, 'One capture, with its segments', {
      params: byId,
      response: { 200: { type: 'object', properties: filmDetail }, ...failures },
    }),
    async ({ params }, reply) => {
      const film = await library.find(params.id);
      if (!film) return noFilm(reply);
      return { ...shownFilm(film), segmentList: (await library.segments(film.id)).map(shownSegment) };
    },
  );
  app.patch<ById & { Body: { keep: boolean } }>(
    '/api/v1/captures/:id',
    describe(toChange, 'Marks a capture to be kept, or not', {
      params: byId,
      body: {
        type: 'object',
        properties: { keep: { type: 'boolean' } },
        required: ['keep'],
        additionalProperties: false,
      },
      response: { 200: { type: 'object', properties: filmShape }, ...failures },
    }),
    async (request, reply) => {
      const { keep } = request.body;
      await library.keep(request.params.id, keep);
      const film = await library.find(request.params.id);
      if (!film) return noFilm(reply);
      note(request, 'capture-change', film, keep ? 'is to be kept' : 'is not to be kept');
      return shownFilm(film);
    },
  );
  app.delete<ById>(
    '/api/v1/captures/:id',
    describe(toChange, 'Deletes a capture, also one that is marked to be kept', doneTo),
    async (request, reply) => {
      const film = await library.find(request.params.id);
      if (!film || !(await captures.remove(film.id, { isGiven: true }))) return noFilm(reply);
      note(request, 'capture-remove', film, 'deleted');
      return reply.code(204).send();
    },
  );

  function note(request: FastifyRequest, what: Act, film: CaptureSummary, detail: string): void {
    const { who, household } = known(request.caller);
    const { device, timestamp } = film;
    const of = `the capture of ${dateOf(timestamp * 1_000)}: ${detail}`;
    audit.done({ who, household, device, what, from: callerAddress(request.raw), detail: of });
  }
}

/** In seconds since 1970, as films have it. */
const boundsOf = ({ since, until }: { since?: string; until?: string }) => ({
  since: since === undefined ? undefined : Math.ceil(Date.parse(since) / 1_000),
  until: until === undefined ? undefined : Math.floor(Date.parse(until) / 1_000),
});

const shownRetention = ({ days, bytes }: RetentionLimits, used: number) => ({
  ...{ days: days ?? null, bytes: bytes ?? null, used },
});

const limit = { type: 'integer', minimum: 1, maximum: MOST_LISTED, description: 'Default 50' } as const;
const ofDevice = { type: 'string', maxLength: 64 } as const;
const since = { ...time, description: 'Only those not older than this' } as const;
const until = { ...time, description: 'Only those not newer than this' } as const;
const listQuery = {
  type: 'object',
  properties: {
    device: ofDevice,
    cause: { type: 'string', enum: ['motion', 'asked'] },
    alarm: { type: 'boolean', description: 'Only those with an alarm' },
    ...{ since, until },
    after: { type: 'string', maxLength: 64, description: 'Id of the last one of the page before' },
    limit,
  },
  additionalProperties: false,
} as const;
const alarmQuery = {
  type: 'object',
  properties: { device: ofDevice, since, until, limit },
  additionalProperties: false,
} as const;
const day = { type: 'string', format: 'date' } as const;
const daysQuery = {
  type: 'object',
  properties: {
    device: ofDevice,
    from: { ...day, description: 'Default: 30 days before `to`' },
    to: { ...day, description: 'Default: today' },
    zone: { type: 'string', maxLength: 64, description: 'Whose days, such as Europe/Vienna. Default: UTC' },
  },
  additionalProperties: false,
} as const;
const dayShape = { day, captures: { type: 'integer' }, alarms: { type: 'integer' } } as const;
const retentionShape = {
  days: { type: ['integer', 'null'], minimum: 1, maximum: 36_500, description: 'null: for ever' },
  bytes: { type: ['integer', 'null'], minimum: 1, maximum: 2 ** 53 - 1, description: 'null: no limit' },
} as const;
const retentionAnswer = {
  ...retentionShape,
  used: { type: 'integer', description: 'Bytes of all captures of the household' },
} as const;
