import { PassThrough } from 'node:stream';
import { type Clock, millis } from '@perch/runtime';
import type { FastifyInstance } from 'fastify';
import type { Gate } from '../auth/gate.ts';
import type { FilmNews, LiveNews } from '../captures/live-news.ts';
import { endEvents } from '../devices/control/state-events.ts';
import { type Known, known } from '../people/caller.ts';
import { rightAt } from '../people/rights.ts';
import { shownAlarm, shownFilm } from './capture-shapes.ts';
import { failures } from './shapes.ts';

export interface CaptureEventOptions {
  readonly news: LiveNews;
  readonly gate: Gate;
  readonly clock: Clock;
}

/** Most readers at once: each is a connection that stays. */
const MOST_READERS = 2_000;
/** A page that reads slower than this is told to ask for the list anew. */
const MOST_BUFFERED_BYTES = 64 * 1024;
/** Proxies cut off what says nothing; browsers pass over a comment. */
const COMMENT_PERIOD = millis(15_000);

/** What happens to films and alarms, as server-sent events (HTML standard, 9.2). */
export function captureEventRoutes(app: FastifyInstance, options: CaptureEventOptions): void {
  const { news, gate, clock } = options;
  let readers = 0;

  app.get<{ Querystring: { device?: string } }>(
    '/api/v1/captures/events',
    {
      config: { permit: { to: 'session' } },
      // A stream without end has no head to be asked for alone.
      exposeHeadRoute: false,
      schema: {
        summary:
          'Events of the captures that the caller may see: `capture`, `removed`, `alarm`; `again`: some were missed',
        tags: ['captures'],
        security: [{ cookie: [] }],
        querystring: {
          type: 'object',
          properties: { device: { type: 'string', maxLength: 64 } },
          additionalProperties: false,
        },
        produces: ['text/event-stream'],
        response: { 200: {}, ...failures, '5xx': { $ref: 'error#' } },
      },
    },
    async ({ query, caller }, reply) => {
      if (readers >= MOST_READERS) {
        const message = 'as many pages look at captures as this relay takes; try again later';
        return reply.code(503).header('Retry-After', '5').send({ code: 503, message });
      }
      const who = known(caller);
      const events = new PassThrough();
      const writer = new EventWriter(events);
      const watching = news.watch((each) => {
        const isOfDevice = query.device === undefined || placeOf(each).device === query.device;
        if (isOfDevice && maySee(gate, who, each)) writer.write(textOf(each));
      });
      const right = gate.whileHolds(who.by, () => endEvents(events));
      const comment = clock.every(COMMENT_PERIOD, () => writer.write(':\n\n'));
      readers++;
      events.on('close', () => {
        readers--;
        watching[Symbol.dispose]();
        right[Symbol.dispose]();
        comment.cancel();
      });
      events.write(':\n\n');
      return reply
        .headers({
          'Content-Type': 'text/event-stream',
          'Cache-Control': 'no-store',
          'X-Accel-Buffering': 'no',
        })
        .send(events);
    },
  );
}

/** Looked at for each event: a permission may be taken away while the page is open. */
function maySee(gate: Gate, who: Known, news: FilmNews): boolean {
  const { permissions, by } = rightAt(who, placeOf(news), ['captures']);
  return permissions.length > 0 && gate.holds(by);
}

const placeOf = (news: FilmNews) =>
  news.kind === 'capture'
    ? { household: news.film.household, device: news.film.device, capture: news.film.id }
    : { ...news, capture: news.kind === 'alarm' ? news.alarm.capture : news.capture };

function textOf(news: FilmNews): string {
  switch (news.kind) {
    case 'capture':
      return event('capture', shownFilm(news.film));
    case 'alarm':
      return event('alarm', shownAlarm(news.alarm));
    case 'removed':
      return event('removed', { id: news.capture, device: news.device });
  }
}

const event = (name: string, data: object): string => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;

/** Events as far as they are read; who was too slow is told so as soon as he has caught up and there is something to say. */
export class EventWriter {
  readonly #events: PassThrough;
  #hasMissed = false;

  constructor(events: PassThrough) {
    this.#events = events;
  }

  /** @param text one event, or a comment. */
  write(text: string): void {
    const { writableLength, readableLength } = this.#events;
    if (writableLength + readableLength > MOST_BUFFERED_BYTES) {
      this.#hasMissed = true;
      return;
    }
    if (this.#hasMissed) this.#events.write(event('again', {}));
    this.#hasMissed = false;
    this.#events.write(text);
  }
}
