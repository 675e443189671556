import type { Capture } from './capture.ts';
import { beginOf, type Day, endOf, isDay } from './day.ts';

/** What sort of films: those that something set off, that somebody asked for, or with an alarm. */
export const kinds = ['all', 'motion', 'asked', 'alarm'] as const;
export type Kind = (typeof kinds)[number];

/** Which films a timeline shows. It is in the address, so that it can be gone back to, and sent. */
export interface Filter {
  readonly kind: Kind;
  readonly device?: string | undefined;
  readonly day?: Day | undefined;
}

export const everything: Filter = { kind: 'all' };

/** Understands the query of an address; what it does not know it passes over. */
export function parseFilter(query: string): Filter {
  const fields = new URLSearchParams(query);
  const device = fields.get('device') ?? '';
  const day = fields.get('day') ?? '';
  return {
    kind: kinds.find((kind) => kind === fields.get('show')) ?? 'all',
    ...(/^[\w.~-]+$/.test(device) && { device }),
    ...(isDay(day) && { day }),
  };
}

/** The query of an address, with its question mark; empty where all is shown. */
export function writeFilter({ kind, device, day }: Filter): string {
  const fields = new URLSearchParams({
    ...(kind !== 'all' && { show: kind }),
    ...(device !== undefined && { device }),
    ...(day !== undefined && { day }),
  });
  return fields.size > 0 ? `?${fields}` : '';
}

/** The same as the relay is asked, without a question mark. */
export function queryOf({ kind, device, day }: Filter): string {
  return new URLSearchParams({
    ...(device !== undefined && { device }),
    ...(kind === 'alarm' ? { alarm: 'true' } : kind !== 'all' && { cause: kind }),
    ...(day !== undefined && { since: iso(beginOf(day)), until: iso(endOf(day) - 1) }),
  }).toString();
}

/** Whether a film is among those. */
export function matches({ kind, device, day }: Filter, film: Capture): boolean {
  const isKind = kind === 'all' || (kind === 'alarm' ? film.alarms > 0 : film.cause === kind);
  const isDevice = device === undefined || film.device === device;
  return isKind && isDevice && isWithin(day, film.at);
}

/** Whether a moment is on that day, if it is about one. */
export const isWithin = (day: Day | undefined, at: number): boolean =>
  day === undefined || (at >= beginOf(day) && at < endOf(day));

const iso = (at: number): string => new Date(at).toISOString();
