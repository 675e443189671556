import type { Clock } from '@perch/runtime';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Audit } from '../audit/audit.ts';
import type { Act } from '../audit/entry.ts';
import { callerAddress } from '../auth/caller.ts';
import type { Gate } from '../auth/gate.ts';
import { type CaptureSummary, isComplete, type Segment } from '../captures/capture.ts';
import type { Captures } from '../captures/captures.ts';
import { FilmError } from '../captures/films/errors.ts';
import { Viewings } from '../captures/viewings.ts';
import { known, userOf } from '../people/caller.ts';
import { rightAt } from '../people/rights.ts';
import type { Permit } from './permit.ts';
import { sendFile } from './send-file.ts';
import { byId, dateOf, dateOrNull, doneTo, failures, listOf, time, timeOrNull } from './shapes.ts';

export interface CaptureRoutesOptions {
  readonly captures: Captures;
  readonly gate: Gate;
  readonly audit: Audit;
  readonly clock: Clock;
}

type ById = { Params: { id: string } };
interface ListQuery {
  device?: string;
  cause?: 'motion' | 'asked';
  alarm?: boolean;
  until?: string;
  after?: string;
  limit?: number;
}

const MOST_LISTED = 200;

/** What cameras filmed: to find, see, keep and delete. */
export function captureRoutes(app: FastifyInstance, options: CaptureRoutesOptions): void {
  const { captures, gate, audit, clock } = options;
  const { library, films, store } = captures;
  const viewings = new Viewings({ clock });
  const toSee: Permit = { to: 'capture' };
  const toChange: Permit = { to: 'capture', least: 'member' };
  const describe = (permit: Permit, summary: string, rest: object = {}) => ({
    config: { permit },
    schema: { summary, tags: ['captures'], security: [{ cookie: [] }], ...rest },
  });
  const file = (produces: string) => ({
    params: byId,
    produces: [produces],
    response: { 200: {}, ...failures, '5xx': { $ref: 'error#' } },
  });

  app.get<{ Querystring: ListQuery }>(
    '/api/v1/captures',
    describe({ to: 'session' }, 'The captures that the caller may see, the newest first', {
      querystring: listQuery,
      ...listOf(shape),
    }),
    async ({ query, caller }, reply) => {
      const { limit = 50, device, cause, alarm, until } = query;
      const who = known(caller);
      let after: { timestamp: number; id: string } | undefined;
      if (query.after !== undefined) {
        after = await library.find(query.after);
        if (!after) return notFound(reply);
      }
      const wanted = {
        ...{ household: who.household, device, cause, withAlarm: alarm, most: limit },
        until: until === undefined ? undefined : Math.floor(Date.parse(until) / 1_000),
      };
      const found: CaptureSummary[] = [];
      for (;;) {
        const some = await library.list({ ...wanted, after });
        found.push(...some.filter((film) => rightAt(who, film, ['captures']).permissions.length > 0));
        after = some.at(-1);
        if (some.length < limit || found.length >= limit || !after) break;
      }
      return found.slice(0, limit).map(shown);
    },
  );
  app.get<{ Querystring: Pick<ListQuery, 'device' | 'until' | 'limit'> }>(
    '/api/v1/captures/alarms',
    describe({ to: 'session' }, 'Alarms of the devices whose captures the caller may see, the newest first', {
      querystring: alarmQuery,
      ...listOf(alarmShape),
    }),
    async ({ query, caller }) => {
      const { limit = 50, device, until } = query;
      const who = known(caller);
      const { household } = who;
      const seconds = until === undefined ? undefined : Math.floor(Date.parse(until) / 1_000);
      const all = await library.alarms({ household, device, until: seconds, most: MOST_LISTED });
      const may = (of: string) =>
        rightAt(who, { household, device: of }, ['captures']).permissions.length > 0;
      return all
        .filter((alarm) => may(alarm.device))
        .slice(0, limit)
        .map(({ device: of, id, timestamp, capture, gpio }) => ({
          ...{ id, device: of, at: dateOf(timestamp * 1_000) },
          ...{ capture: capture ?? null, gpio: gpio ?? null },
        }));
    },
  );
  app.get(
    '/api/v1/captures/retention',
    describe({ to: 'member' }, 'How long the household keeps captures', {
      response: { 200: { type: 'object', properties: retentionShape }, ...failures },
    }),
    async ({ caller }) => shownRetention(await library.retention(userOf(caller).household)),
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
        response: { 200: { type: 'object', properties: retentionShape }, ...failures },
      },
    ),
    async (request) => {
      const { who, household } = userOf(request.caller);
      const { days, bytes } = request.body;
      const limits = { days: days ?? undefined, bytes: bytes ?? undefined };
      await library.setRetention(household, limits);
      const detail = `keeps captures ${days ?? 'any number of'} days, ${bytes ?? 'any number of'} bytes`;
      audit.done({ who, household, what: 'capture-change', from: callerAddress(request.raw), detail });
      return shownRetention(limits);
    },
  );
  app.get<ById>(
    '/api/v1/captures/:id',
    describe(toSee, 'One capture, with its segments', {
      params: byId,
      response: { 200: { type: 'object', properties: detailShape }, ...failures },
    }),
    async ({ params }, reply) => {
      const film = await library.find(params.id);
      if (!film) return notFound(reply);
      return { ...shown(film), segmentList: (await library.segments(film.id)).map(shownSegment) };
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
      response: { 200: { type: 'object', properties: shape }, ...failures },
    }),
    async (request, reply) => {
      const { keep } = request.body;
      await library.keep(request.params.id, keep);
      const film = await library.find(request.params.id);
      if (!film) return notFound(reply);
      note(request, 'capture-change', film, keep ? 'is to be kept' : 'is not to be kept');
      return shown(film);
    },
  );
  app.delete<ById>(
    '/api/v1/captures/:id',
    describe(toChange, 'Deletes a capture, also one that is marked to be kept', doneTo),
    async (request, reply) => {
      const film = await library.find(request.params.id);
      if (!film || !(await captures.remove(film.id, { isGiven: true }))) return notFound(reply);
      note(request, 'capture-remove', film, 'deleted');
      return reply.code(204).send();
    },
  );
  app.get<ById>(
    '/api/v1/captures/:id/video.mp4',
    describe(toSee, 'All that is here of a capture as one MP4, or a range of it', file('video/mp4')),
    (request, reply) =>
      show(request, reply, (film) => films.video(film), { type: 'video/mp4', isViewing: true }),
  );
  app.get<ById>(
    '/api/v1/captures/:id/playlist.m3u8',
    describe(toSee, 'HLS, while the capture arrives and after', file('application/vnd.apple.mpegurl')),
    async (request, reply) => {
      const film = await library.find(request.params.id);
      if (!film) return notFound(reply);
      const text = await made(reply, () => films.playlist(film));
      if (text === undefined) return reply;
      noteViewing(request, film);
      return reply.type('application/vnd.apple.mpegurl').header('Cache-Control', 'no-store').send(text);
    },
  );
  app.get<ById & { Params: { part: string } }>(
    '/api/v1/captures/:id/parts/:part',
    describe(toSee, 'A file of the playlist, or a range of it', file('video/mp4')),
    (request, reply) => show(request, reply, (film) => films.partFile(film, request.params.part), MP4),
  );
  app.get<ById>(
    '/api/v1/captures/:id/thumbnail.jpg',
    describe(toSee, 'A small picture of a capture', file('image/jpeg')),
    (request, reply) => show(request, reply, (film) => films.thumbnail(film), JPEG),
  );
  app.get<ById>(
    '/api/v1/captures/:id/strip.jpg',
    describe(toSee, 'Ten small pictures, from all over a capture, side by side', file('image/jpeg')),
    (request, reply) => show(request, reply, (film) => films.strip(film), JPEG),
  );
  app.get<ById & { Params: { segment: string } }>(
    '/api/v1/captures/:id/segments/:segment',
    describe(toSee, 'A segment as the camera wrote it', file('application/octet-stream')),
    async (request, reply) => {
      const { id, segment: number } = request.params;
      const film = await library.find(id);
      const segment = (await library.segments(id)).find((each) => String(each.number) === number);
      if (!film || !segment?.file || segment.state === 'removed') return notFound(reply);
      const { extension } = segment.file;
      noteViewing(request, film);
      return sendFile(request, reply, {
        path: store.pathOf({ ...film, ...segment.file, capture: film.name, segment: segment.number }),
        type: 'application/octet-stream',
        saveAs: `${film.cause}.${film.timestamp}.${number}.${extension}`,
        whileHolds: (end) => gate.whileHolds(known(request.caller).by, end),
      });
    },
  );

  /** Sends a file that is made of a film. */
  async function show(
    request: FastifyRequest<ById>,
    reply: FastifyReply,
    make: (film: CaptureSummary) => Promise<string | undefined>,
    { type, isViewing = false }: { readonly type: string; readonly isViewing?: boolean },
  ): Promise<FastifyReply> {
    const film = await library.find(request.params.id);
    if (!film) return notFound(reply);
    const path = await made(reply, () => make(film));
    if (reply.sent) return reply;
    if (path === undefined) return notFound(reply);
    if (isViewing) noteViewing(request, film);
    const whileHolds = (end: () => void) => gate.whileHolds(known(request.caller).by, end);
    return sendFile(request, reply, { path, type, whileHolds });
  }

  function note(request: FastifyRequest, what: Act, film: CaptureSummary, detail: string): void {
    const { who, household } = known(request.caller);
    const { device, timestamp } = film;
    const of = `the capture of ${dateOf(timestamp * 1_000)}: ${detail}`;
    audit.done({ who, household, device, what, from: callerAddress(request.raw), detail: of });
  }

  function noteViewing(request: FastifyRequest, film: CaptureSummary): void {
    const { kind, id = '' } = known(request.caller).who;
    if (viewings.isNew(`${kind} ${id}`, film.id)) note(request, 'capture-view', film, 'seen');
  }
}

/** What ffmpeg makes, or an answer why not. */
async function made<T>(reply: FastifyReply, make: () => Promise<T>): Promise<T | undefined> {
  try {
    return await make();
  } catch (error) {
    if (!(error instanceof FilmError)) throw error;
    const { code, message } = error;
    const status = { tool: 503, busy: 503, stopped: 503, nothing: 404, media: 422 }[code];
    if (status === 503) reply.header('Retry-After', '5');
    reply.code(status).send({ code: status, message });
    return undefined;
  }
}

const MP4 = { type: 'video/mp4' } as const;
const JPEG = { type: 'image/jpeg' } as const;

const notFound = (reply: FastifyReply): FastifyReply =>
  reply.code(404).send({ code: 404, message: 'there is no such capture, or nothing of this name in it' });

const shown = (film: CaptureSummary) => ({
  id: film.id,
  device: film.device,
  cause: film.cause,
  at: dateOf(film.timestamp * 1_000),
  ended: dateOrNull(film.ended),
  complete: isComplete(film),
  segments: film.here,
  lost: film.lost,
  bytes: film.bytes,
  seconds: film.duration / 1_000,
  alarms: film.alarms,
  keep: film.isKept,
});

const shownSegment = ({ number, state, file, reason, isPlayable, duration }: Segment) => ({
  number,
  state,
  bytes: file?.size ?? null,
  sha256: file?.sha256 ?? null,
  playable: isPlayable ?? null,
  seconds: duration === undefined ? null : duration / 1_000,
  reason: reason ?? null,
});

const shownRetention = ({ days, bytes }: { days: number | undefined; bytes: number | undefined }) => ({
  days: days ?? null,
  bytes: bytes ?? null,
});

const limit = { type: 'integer', minimum: 1, maximum: MOST_LISTED, description: 'Default 50' } as const;
const ofDevice = { type: 'string', maxLength: 64 } as const;
const until = { ...time, description: 'Only those not newer than this' } as const;
const listQuery = {
  type: 'object',
  properties: {
    device: ofDevice,
    cause: { type: 'string', enum: ['motion', 'asked'] },
    alarm: { type: 'boolean', description: 'Only those with an alarm' },
    until,
    after: { type: 'string', maxLength: 64, description: 'Id of the last one of the page before' },
    limit,
  },
  additionalProperties: false,
} as const;
const alarmQuery = {
  type: 'object',
  properties: { device: ofDevice, until, limit },
  additionalProperties: false,
} as const;
const alarmShape = {
  id: { type: 'string' },
  device: { type: 'string' },
  at: time,
  capture: { type: ['string', 'null'], description: 'The film that tells of it' },
  gpio: { type: ['integer', 'null'] },
} as const;
const retentionShape = {
  days: { type: ['integer', 'null'], minimum: 1, maximum: 36_500, description: 'null: for ever' },
  bytes: { type: ['integer', 'null'], minimum: 1, maximum: 2 ** 53 - 1, description: 'null: no limit' },
} as const;
const shape = {
  id: { type: 'string' },
  device: { type: 'string' },
  cause: { type: 'string', enum: ['motion', 'asked'] },
  at: time,
  ended: timeOrNull,
  complete: { type: 'boolean', description: 'Nothing more of it is to come' },
  segments: { type: 'integer', description: 'That are here' },
  lost: { type: 'integer', description: 'That will never come, or were deleted' },
  bytes: { type: 'integer' },
  seconds: { type: 'number', description: 'As far as it is known' },
  alarms: { type: 'integer' },
  keep: { type: 'boolean' },
} as const;
const detailShape = {
  ...shape,
  segmentList: {
    type: 'array',
    items: {
      type: 'object',
      properties: {
        number: { type: 'integer' },
        state: { type: 'string', enum: ['here', 'cut', 'lost', 'removed'] },
        bytes: { type: ['integer', 'null'] },
        sha256: { type: ['string', 'null'] },
        playable: { type: ['boolean', 'null'], description: 'null: nobody has looked yet' },
        seconds: { type: ['number', 'null'] },
        reason: { type: ['string', 'null'], description: 'Why it is lost, or cannot be played' },
      },
    },
  },
} as const;
