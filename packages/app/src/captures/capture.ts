import { type Answer, segment, tell } from '../http/ask.ts';
import { decodeList, Fields } from '../http/fields.ts';

/** What made the camera film: something moved, or somebody asked for it. */
export const causes = ['motion', 'asked'] as const;
export type Cause = (typeof causes)[number];

/** One film of a camera, as a list shows it. Times are milliseconds since 1970. */
export interface Capture {
  readonly id: string;
  readonly device: string;
  readonly cause: Cause;
  /** When it was triggered, by the device's clock. */
  readonly at: number;
  /** When it was over; `undefined`: it is being filmed. */
  readonly ended: number | undefined;
  /** Nothing more of it is to come. */
  readonly isComplete: boolean;
  /** Parts that are here, and parts that will never come. */
  readonly parts: number;
  readonly lost: number;
  readonly bytes: number;
  /** Its length, as far as it is known. */
  readonly seconds: number;
  readonly alarms: number;
  /** Retention passes it over. */
  readonly isKept: boolean;
}

/** One part of a film that is missing, or cannot be played. */
export interface MissingPart {
  readonly number: number;
  readonly reason: string;
}

/** A film with what is wrong with it. */
export interface CaptureDetail extends Capture {
  readonly missing: readonly MissingPart[];
}

/** An alarm of a device: within a film, or without one. `at`: milliseconds since 1970. */
export interface Alarm {
  readonly id: string;
  readonly device: string;
  readonly at: number;
  readonly capture: string | undefined;
}

export const CAPTURES = '/api/v1/captures';
export const pathOf = (id: string, part = ''): string => `${CAPTURES}/${segment(id)}${part}`;

/** Where the news of films come from: of one device, or of all. */
export const newsPath = (device?: string): string =>
  `${CAPTURES}/events${device === undefined ? '' : `?device=${device}`}`;

export function decodeCapture(fields: Fields): Capture | undefined {
  const id = fields.maybeText('id');
  const at = fields.time('at');
  if (id === undefined || at === undefined) return undefined;
  return {
    id,
    at,
    device: fields.text('device'),
    cause: fields.oneOf('cause', causes, 'motion'),
    ended: fields.time('ended'),
    isComplete: fields.flag('complete'),
    parts: fields.number('segments'),
    lost: fields.number('lost'),
    bytes: fields.number('bytes'),
    seconds: fields.number('seconds'),
    alarms: fields.number('alarms'),
    isKept: fields.flag('keep'),
  };
}

/** Understands `GET /api/v1/captures`: the newest first. */
export const decodeCaptures = (value: unknown): Capture[] => decodeList(value, decodeCapture);

/** Understands `GET /api/v1/captures/{id}`. @throws {TypeError} where it is no film. */
export function decodeDetail(value: unknown): CaptureDetail {
  const fields = new Fields(value);
  const capture = decodeCapture(fields);
  if (!capture) throw new TypeError('an answer without id and time is no film');
  return {
    ...capture,
    missing: fields.list('segmentList', (part) => {
      // A reason beside what can be played says what was mended.
      const isThere = part.text('state') === 'here' && part.maybeFlag('playable') !== false;
      return isThere ? undefined : { number: part.number('number'), reason: part.text('reason') };
    }),
  };
}

/** Understands `GET /api/v1/captures/alarms`: the newest first. */
export const decodeAlarms = (value: unknown): Alarm[] =>
  decodeList(value, (fields) => {
    const id = fields.maybeText('id');
    const at = fields.time('at');
    if (id === undefined || at === undefined) return undefined;
    return { id, at, device: fields.text('device'), capture: fields.maybeText('capture') };
  });

/** Says whether a film is to stay whatever the household's limits are. */
export const keepCapture = (id: string, keep: boolean): Promise<Answer<undefined>> =>
  tell(pathOf(id), { method: 'PATCH', body: { keep } });

/** Deletes a film and all that was made of it. */
export const removeCapture = (id: string): Promise<Answer<undefined>> =>
  tell(pathOf(id), { method: 'DELETE' });
