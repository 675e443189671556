import { Fields } from '../http/fields.ts';

/** One line of the history, as the relay tells it. Times are milliseconds since 1970. */
export interface AuditLine {
  /** Of the relay that wrote it, and its place there: the two together name the line. */
  readonly node: string;
  readonly seq: number;
  readonly who: { readonly kind: string; readonly id: string | undefined; readonly name: string | undefined };
  readonly what: string;
  readonly topic: string | undefined;
  readonly device: string | undefined;
  readonly from: string;
  readonly at: number;
  readonly until: number | undefined;
  readonly outcome: 'begun' | 'ended' | 'done' | 'refused';
  readonly detail: string | undefined;
  readonly times: number;
}

export interface AuditPage {
  /** The latest first. */
  readonly lines: readonly AuditLine[];
  /** Where the next page begins; undefined where this was the last. */
  readonly next: string | undefined;
}

/** Understands `GET /api/v1/audit`. */
export function decodeAudit(value: unknown): AuditPage {
  const fields = new Fields(value);
  return {
    lines: fields.list('entries', decodeLine),
    next: fields.maybeText('next'),
  };
}

function decodeLine(fields: Fields): AuditLine | undefined {
  const at = fields.time('at');
  if (at === undefined) return undefined;
  const who = fields.object('who');
  return {
    node: fields.text('node'),
    seq: fields.number('seq'),
    who: { kind: who.text('kind', 'unknown'), id: who.maybeText('id'), name: who.maybeText('name') },
    what: fields.text('what'),
    topic: fields.maybeText('topic'),
    device: fields.maybeText('device'),
    from: fields.text('from'),
    at,
    until: fields.time('until'),
    outcome: fields.oneOf('outcome', ['begun', 'ended', 'done', 'refused'], 'done'),
    detail: fields.maybeText('detail'),
    times: fields.number('times', 1),
  };
}

/** Names a line. */
export const keyOf = ({ node, seq }: AuditLine): string => `${node}.${seq}`;

/** A line, and whether what it tells goes on. */
export interface Happening extends AuditLine {
  readonly state: 'over' | 'goes-on' | 'cut-off';
}

/**
 * What happened, the latest first. What has begun and ended is one thing, told by its end; what has begun and not ended
 * goes on, or was cut off where its relay was started anew since.
 */
export function happeningsOf(lines: readonly AuditLine[]): Happening[] {
  const ended = new Set<string>();
  const startedAnew = new Set<string>();
  const happenings: Happening[] = [];
  for (const line of lines) {
    const thing = JSON.stringify([
      line.node,
      line.who.kind,
      line.who.id,
      line.what,
      line.topic,
      line.device,
      line.at,
    ]);
    if (line.outcome === 'ended') ended.add(thing);
    if (line.outcome !== 'begun') happenings.push({ ...line, state: 'over' });
    else if (!ended.has(thing)) {
      happenings.push({ ...line, state: startedAnew.has(line.node) ? 'cut-off' : 'goes-on' });
    }
    if (line.what === 'relay-run' && line.outcome === 'begun') startedAnew.add(line.node);
  }
  return happenings;
}

/** Sets of lines to look at. */
export const kinds = ['all', 'seen', 'changes', 'refused'] as const;
export type Kind = (typeof kinds)[number];

/** Whether a line belongs to a set. What goes on all day is only among all. */
export function isOf(kind: Kind, line: AuditLine): boolean {
  switch (kind) {
    case 'all':
      return true;
    case 'seen':
      return isUse(line) && line.outcome !== 'refused';
    case 'changes':
      return !isUse(line) && !routine.includes(line.what) && line.outcome !== 'refused';
    case 'refused':
      return line.outcome === 'refused';
  }
}

/** To see, hear, talk, … : what the household is asked about most. */
const uses = ['view', 'listen', 'talk', 'command', 'call', 'capture-view'];
const isUse = ({ what }: AuditLine): boolean =>
  uses.some((use) => what === use || what.startsWith(`${use}-`));

/** What goes on all day. */
const routine = [
  'publish',
  'statistics',
  'relay-run',
  'certificate-change',
  'device-online',
  'device-renew',
  'capture-begin',
  'sign-in',
];
