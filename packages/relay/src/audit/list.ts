import { FIRST_HOUSEHOLD } from '../people/household.ts';
import type { Database, Value } from '../storage/database.ts';
import { type AuditRecord, decodeRecord } from './chain.ts';

export interface AuditPage {
  /** The latest first. */
  readonly records: readonly AuditRecord[];
  /** Where the next page begins; `undefined` where this was the last. */
  readonly next: string | undefined;
}

/**
 * A page of all relays' audit, as a household may read it.
 *
 * @param options.before the `next` of the page before.
 * @throws {TypeError} where `before` is none of ours.
 */
export async function listAudit(
  database: Database,
  options: { readonly household: string; readonly before?: string | undefined; readonly limit: number },
): Promise<AuditPage> {
  const start = options.before === undefined ? LATEST : decodeCursor(options.before);
  const select = `SELECT * FROM audit WHERE (noted, node, seq) < (?, ?, ?) AND COALESCE(household, ?) = ?
    ORDER BY noted DESC, node DESC, seq DESC LIMIT ?`;
  const values = [...start, FIRST_HOUSEHOLD, options.household, options.limit + 1];
  const records = await database.query(select, values, decodeRecord);
  const page = records.slice(0, options.limit);
  const last = page.at(-1);
  return { records: page, next: last && records.length > page.length ? encodeCursor(last) : undefined };
}

/** After everything that can be. */
const LATEST: readonly Value[] = [Number.MAX_SAFE_INTEGER, '', 0];

const encodeCursor = ({ noted, node, seq }: AuditRecord): string => `${noted}.${seq}.${node}`;

function decodeCursor(text: string): readonly Value[] {
  const match = /^(\d{1,15})\.(\d{1,15})\.([0-9a-f]{1,64})$/.exec(text);
  if (!match) throw new TypeError('before: the "next" of the page before');
  return [Number(match[1]), match[3] as string, Number(match[2])];
}
