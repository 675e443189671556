import { type Answer, tell } from '../http/ask.ts';
import { Fields } from '../http/fields.ts';
import { CAPTURES } from './capture.ts';

/** What a household keeps of its films at most, and has. `undefined`: no limit, or not known. */
export interface Retention {
  readonly days: number | undefined;
  readonly bytes: number | undefined;
  /** Bytes of all films. */
  readonly used: number | undefined;
}

export const RETENTION = `${CAPTURES}/retention`;

/** Understands `GET /api/v1/captures/retention`. */
export function decodeRetention(value: unknown): Retention {
  const fields = new Fields(value);
  return {
    days: fields.maybeNumber('days'),
    bytes: fields.maybeNumber('bytes'),
    used: fields.maybeNumber('used'),
  };
}

export const setRetention = (
  days: number | undefined,
  bytes: number | undefined,
): Promise<Answer<undefined>> =>
  tell(RETENTION, { method: 'PUT', body: { days: days ?? null, bytes: bytes ?? null } });
