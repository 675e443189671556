import type { FastifyReply } from 'fastify';
import { type CaptureSummary, isComplete, type Segment } from '../captures/capture.ts';
import type { Alarm } from '../captures/catalogue.ts';
import { dateOf, dateOrNull, time, timeOrNull } from './shapes.ts';

// How films look in answers and in events.

export const noFilm = (reply: FastifyReply): FastifyReply =>
  reply.code(404).send({ code: 404, message: 'there is no such capture, or nothing of this name in it' });

export const shownFilm = (film: CaptureSummary) => ({
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

export const shownSegment = ({ number, state, file, reason, isPlayable, duration }: Segment) => ({
  number,
  state,
  bytes: file?.size ?? null,
  sha256: file?.sha256 ?? null,
  playable: isPlayable ?? null,
  seconds: duration === undefined ? null : duration / 1_000,
  reason: reason ?? null,
});

export const shownAlarm = ({ device, id, timestamp, capture, gpio }: Alarm) => ({
  ...{ id, device, at: dateOf(timestamp * 1_000) },
  ...{ capture: capture ?? null, gpio: gpio ?? null },
});

export const filmShape = {
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

export const filmDetail = {
  ...filmShape,
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
        reason: {
          type: ['string', 'null'],
          description: 'Why it is lost or cannot be played, or what was mended',
        },
      },
    },
  },
} as const;

export const alarmShape = {
  id: { type: 'string' },
  device: { type: 'string' },
  at: time,
  capture: { type: ['string', 'null'], description: 'The film that tells of it' },
  gpio: { type: ['integer', 'null'] },
} as const;
