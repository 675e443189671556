import type { Clock } from '@perch/runtime';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Audit } from '../audit/audit.ts';
import { callerAddress } from '../auth/caller.ts';
import type { Gate } from '../auth/gate.ts';
import type { CaptureSummary } from '../captures/capture.ts';
import type { Captures } from '../captures/captures.ts';
import { type Archived, archive } from '../captures/export.ts';
import { FilmError } from '../captures/films/errors.ts';
import { Viewings } from '../captures/viewings.ts';
import { known } from '../people/caller.ts';
import { noFilm, shownFilm, shownSegment } from './capture-shapes.ts';
import type { Permit } from './permit.ts';
import { saveAs, sendFile } from './send-file.ts';
import { byId, dateOf, failures } from './shapes.ts';

export interface CaptureFileOptions {
  readonly captures: Captures;
  /** What people call a device. */
  readonly devices: { find(id: string): Promise<{ readonly name: string } | undefined> };
  readonly gate: Gate;
  readonly audit: Audit;
  readonly clock: Clock;
}

type ById = { Params: { id: string } };

const toSee: Permit = { to: 'capture' };
const MP4 = 'video/mp4';
const JPEG = 'image/jpeg';
const HLS = 'application/vnd.apple.mpegurl';

/**
 * What is made of films, to be seen, and films as they came. Who sees a film leaves a line in the audit: once for a
 * while, however often his player asks. Small pictures leave none: a list is full of them, and shows what anybody sees
 * who may open it.
 */
export function captureFileRoutes(app: FastifyInstance, options: CaptureFileOptions): void {
  const { captures, devices, gate, audit, clock } = options;
  const { library, films, store } = captures;
  const viewings = new Viewings({ clock });
  const describe = (summary: string, type: string, rest: object = {}) => ({
    config: { permit: toSee },
    schema: {
      ...{ summary, tags: ['captures'], security: [{ cookie: [] }], params: byId, produces: [type] },
      ...{ response: { 200: {}, ...failures, '5xx': { $ref: 'error#' } }, ...rest },
    },
  });

  app.get<ById & { Querystring: { download?: string } }>(
    '/api/v1/captures/:id/video.mp4',
    describe('All that is here of a capture as one MP4, or a range of it', MP4, {
      querystring: {
        type: 'object',
        properties: {
          download: { type: 'string', maxLength: 8, description: 'To be saved, under a name that tells' },
        },
      },
    }),
    async (request, reply) => {
      const film = await library.find(request.params.id);
      if (!film) return noFilm(reply);
      const path = await made(reply, () => films.video(film));
      if (path === undefined) return reply;
      noteViewing(request, film);
      const isToSave = request.query.download !== undefined;
      return send(request, reply, {
        path,
        type: MP4,
        ...(isToSave && { saveAs: `${await titleOf(film)}.mp4` }),
      });
    },
  );
  app.get<ById>(
    '/api/v1/captures/:id/playlist.m3u8',
    describe('HLS, while the capture arrives and after', HLS),
    async (request, reply) => {
      const film = await library.find(request.params.id);
      if (!film) return noFilm(reply);
      const text = await made(reply, () => films.playlist(film));
      if (text === undefined) return reply;
      noteViewing(request, film);
      return reply.type(HLS).header('Cache-Control', 'no-store').send(text);
    },
  );
  app.get<ById & { Params: { part: string } }>(
    '/api/v1/captures/:id/parts/:part',
    describe('A file of the playlist, or a range of it', MP4),
    (request, reply) => show(request, reply, MP4, (film) => films.partFile(film, request.params.part)),
  );
  app.get<ById>(
    '/api/v1/captures/:id/thumbnail.jpg',
    describe('A small picture of a capture', JPEG),
    (request, reply) => show(request, reply, JPEG, (film) => films.thumbnail(film)),
  );
  app.get<ById>(
    '/api/v1/captures/:id/strip.jpg',
    describe('Ten small pictures, from all over a capture, side by side', JPEG),
    (request, reply) => show(request, reply, JPEG, (film) => films.strip(film)),
  );
  app.get<ById & { Params: { segment: string } }>(
    '/api/v1/captures/:id/segments/:segment',
    describe('A segment as the camera wrote it', 'application/octet-stream'),
    async (request, reply) => {
      const { id, segment: number } = request.params;
      const film = await library.find(id);
      const found = film && (await filesOf(film)).find((file) => file.number === Number(number));
      if (!film || !found) return noFilm(reply);
      noteViewing(request, film);
      return send(request, reply, { path: found.path, type: 'application/octet-stream', saveAs: found.name });
    },
  );
  app.get<ById>(
    '/api/v1/captures/:id/export.zip',
    // To know how long it is, it has to be made.
    {
      exposeHeadRoute: false,
      ...describe('A capture as it came: all segments, and what is known of them', 'application/zip'),
    },
    async (request, reply) => {
      const film = await library.find(request.params.id);
      if (!film) return noFilm(reply);
      const segmentList = (await library.segments(film.id)).map(shownSegment);
      const files = await filesOf(film);
      const names = new Map(files.map(({ number, name }) => [number, name]));
      const about = {
        ...shownFilm(film),
        segmentList: segmentList.map((segment) => ({ ...segment, file: names.get(segment.number) ?? null })),
      };
      const note = { name: 'capture.json', text: `${JSON.stringify(about, null, 2)}\n` };
      const { stream, bytes } = await archive(files, { note, changed: new Date(film.timestamp * 1_000) });
      noteViewing(request, film);
      const right = gate.whileHolds(known(request.caller).by, () => stream.destroy());
      stream.once('close', () => right[Symbol.dispose]());
      return reply
        .type('application/zip')
        .headers({
          'Content-Length': String(bytes),
          'Content-Disposition': saveAs(`${await titleOf(film)}.zip`),
          'Cache-Control': 'no-store',
        })
        .send(stream);
    },
  );

  /** Sends a file that is made of a film. */
  async function show(
    request: FastifyRequest<ById>,
    reply: FastifyReply,
    type: string,
    make: (film: CaptureSummary) => Promise<string | undefined>,
  ): Promise<FastifyReply> {
    const film = await library.find(request.params.id);
    if (!film) return noFilm(reply);
    const path = await made(reply, () => make(film));
    if (reply.sent) return reply;
    return path === undefined ? noFilm(reply) : send(request, reply, { path, type });
  }

  function send(
    request: FastifyRequest,
    reply: FastifyReply,
    file: { readonly path: string; readonly type: string; readonly saveAs?: string },
  ): Promise<FastifyReply> {
    const whileHolds = (end: () => void) => gate.whileHolds(known(request.caller).by, end);
    return sendFile(request, reply, { ...file, whileHolds });
  }

  /** The segments that are here, named as a camera names them: whoever pushes them again has the film again. */
  async function filesOf(film: CaptureSummary): Promise<(Archived & { readonly number: number })[]> {
    const trigger = film.cause === 'motion' ? 'pir' : 'cap';
    return (await library.segments(film.id)).flatMap(({ number, state, file }) => {
      if (!file || (state !== 'here' && state !== 'cut')) return [];
      const path = store.pathOf({ ...film, ...file, capture: film.name, segment: number });
      return {
        number,
        path,
        name: `${trigger}.${film.timestamp}.${number}.${file.extension}`,
        bytes: file.size,
      };
    });
  }

  /** As a file of it is to be called: `Kitchen 2026-11-21 14-03-05Z`. */
  async function titleOf({ device, timestamp }: CaptureSummary): Promise<string> {
    const { name } = (await devices.find(device)) ?? { name: device };
    return `${name} ${dateOf(timestamp * 1_000)
      .slice(0, 19)
      .replace('T', ' ')
      .replaceAll(':', '-')}Z`;
  }

  function noteViewing(request: FastifyRequest, film: CaptureSummary): void {
    const { who, household } = known(request.caller);
    if (!viewings.isNew(`${who.kind} ${who.id ?? ''}`, film.id)) return;
    const detail = `the capture of ${dateOf(film.timestamp * 1_000)}: seen`;
    const { device } = film;
    audit.done({ who, household, device, what: 'capture-view', from: callerAddress(request.raw), detail });
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
