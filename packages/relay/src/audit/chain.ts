import { createHash } from 'node:crypto';
import type { Row } from '../storage/row.ts';
import type { Act, AuditEntry, Outcome, Who } from './entry.ts';

/** An entry as it is kept, at its place in the chain of the relay that wrote it. */
export interface AuditRecord extends AuditEntry {
  readonly node: string;
  /** 1, 2, 3, … in each chain. */
  readonly seq: number;
  /** When it became known: the end of what ended, else `at`. Lists are in this order. */
  readonly noted: number;
  /** {@link linkHash} of this record and the one before it. */
  readonly hash: string;
}

/** What the first record of a chain follows on. */
export const GENESIS = '0'.repeat(64);

/** SHA-256, hex, over the hash before and the record as a JSON list in a fixed order, parted by a line feed. */
export function linkHash(before: string, record: Omit<AuditRecord, 'hash'>): string {
  const canonical = JSON.stringify([
    record.node,
    record.seq,
    record.noted,
    record.at,
    record.until ?? null,
    record.who.kind,
    record.who.id ?? null,
    record.what,
    record.topic ?? null,
    record.device ?? null,
    record.from,
    record.outcome,
    record.detail ?? null,
    record.times ?? 1,
    // Lines of before there were households end here.
    ...(record.household === undefined && record.who.name === undefined
      ? []
      : [record.household ?? null, record.who.name ?? null]),
  ]);
  return createHash('sha256').update(`${before}\n${canonical}`).digest('hex');
}

/** A row of table `audit`. Words that this version does not know stay as they are: newer versions have more. */
export function decodeRecord(row: Row): AuditRecord {
  const id = row.optionalText('who_id');
  const name = row.optionalText('who_name');
  const household = row.optionalText('household');
  const topic = row.optionalText('topic');
  const device = row.optionalText('device');
  const detail = row.optionalText('detail');
  const until = row.optionalNumber('until');
  return {
    node: row.text('node'),
    seq: row.number('seq'),
    noted: row.number('noted'),
    who: {
      kind: row.text('who_kind') as Who['kind'],
      ...(id !== undefined && { id }),
      ...(name !== undefined && { name }),
    },
    ...(household !== undefined && { household }),
    what: row.text('what') as Act,
    ...(topic !== undefined && { topic }),
    ...(device !== undefined && { device }),
    from: row.text('address'),
    at: row.number('at'),
    ...(until !== undefined && { until }),
    outcome: row.text('outcome') as Outcome,
    ...(detail !== undefined && { detail }),
    times: row.number('times'),
    hash: row.text('hash'),
  };
}
