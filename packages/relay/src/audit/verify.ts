import { RelayError } from '../errors.ts';
import type { Database } from '../storage/database.ts';
import { type AuditRecord, decodeRecord, GENESIS, linkHash } from './chain.ts';

/** What looking at one chain came to. */
export type ChainState =
  | { readonly kind: 'whole'; readonly node: string; readonly records: number }
  /** `seq` is the first record that is not what was written; `why` in words. */
  | { readonly kind: 'broken'; readonly node: string; readonly seq: number; readonly why: string };

const PAGE = 1_000;

/** Looks through all chains of the audit, from their first record to their last. */
export async function verifyAudit(database: Database): Promise<ChainState[]> {
  const heads = await database.query('SELECT node, seq, hash FROM audit_heads ORDER BY node', [], (row) => ({
    node: row.text('node'),
    seq: row.number('seq'),
    hash: row.text('hash'),
  }));
  const select = `SELECT DISTINCT node FROM audit WHERE node NOT IN (SELECT node FROM audit_heads) ORDER BY node`;
  const headless = await database.query(select, [], (row) => row.text('node'));
  const states: ChainState[] = [];
  for (const head of heads) states.push(await verifyChain(database, head));
  for (const node of headless) states.push(broken(node, 1, 'the end of its chain is not known any more'));
  return states;
}

interface Head {
  readonly node: string;
  readonly seq: number;
  readonly hash: string;
}

async function verifyChain(database: Database, head: Head): Promise<ChainState> {
  const { node } = head;
  let last = { seq: 0, hash: GENESIS };
  for (;;) {
    let records: AuditRecord[];
    const select = 'SELECT * FROM audit WHERE node = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?';
    try {
      records = await database.query(select, [node, last.seq, head.seq, PAGE], decodeRecord);
    } catch (error) {
      if (error instanceof RelayError && error.code === 'data-damaged') {
        return broken(node, last.seq + 1, 'it, or one soon after it, is no record of the audit');
      }
      throw error;
    }
    for (const record of records) {
      const seq = last.seq + 1;
      if (record.seq !== seq) return broken(node, seq, 'it is missing');
      const hash = linkHash(last.hash, record);
      if (hash !== record.hash) return broken(node, seq, 'it, or the one before it, was changed');
      last = { seq, hash };
    }
    if (records.length < PAGE) break;
  }
  if (last.seq !== head.seq) return broken(node, last.seq + 1, 'it is missing, with all after it');
  if (last.hash !== head.hash) return broken(node, last.seq, 'it is not the one that was written last');
  // One question, so that what a relay writes meanwhile is on both sides of it.
  const after = `SELECT seq FROM audit WHERE node = ? AND seq > (SELECT seq FROM audit_heads WHERE node = ?)
    ORDER BY seq LIMIT 1`;
  const [stray] = await database.query(after, [node, node], (row) => row.number('seq'));
  if (stray !== undefined) return broken(node, stray, 'it was added by something else than a relay');
  return { kind: 'whole', node, records: last.seq };
}

const broken = (node: string, seq: number, why: string): ChainState => ({ kind: 'broken', node, seq, why });
