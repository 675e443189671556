import { showProgram } from '../words/program.ts';
import { showClock, showDate } from '../words/time.ts';
import type { Happening } from './entry.ts';

/** From where, with which program, and what else the relay wrote down. */
export function backgroundOf({ who, from, detail }: Pick<Happening, 'who' | 'from' | 'detail'>): string[] {
  return [
    ...(who.kind === 'invite' ? ['by a shared link'] : []),
    ...(who.kind === 'open' ? ['open to everybody'] : []),
    from === 'here' ? 'on the relay itself' : from,
    ...detailWords(detail ?? ''),
  ];
}

/** What a browser says of itself becomes its name, times are those of the reader; ids of sessions are for programs. */
const detailWords = (detail: string): string[] =>
  detail
    .split(/; (?![^(]*\))/)
    .filter((part) => part !== '' && !/^session [0-9a-f]+$/.test(part))
    .map((part) => (part.startsWith('Mozilla/') ? showProgram(part) : plainer(part)));

const plainer = (part: string): string =>
  part
    .replace(/^invite [0-9a-f]+ /, '')
    .replace(
      /\d{4}-\d\d-\d\dT[\d:.]+Z/g,
      (at) => `${showDate(Date.parse(at))}, ${showClock(Date.parse(at))}`,
    );
