import { FIRST_HOUSEHOLD } from '../people/household.ts';
import type { Database, Queries } from '../storage/database.ts';
import { GENESIS, linkHash } from './chain.ts';
import type { AuditEntry } from './entry.ts';

/** Adds entries to a node's chain, all or none. Several processes may write to one chain: they take turns. */
export async function appendEntries(
  database: Database,
  node: string,
  entries: readonly AuditEntry[],
): Promise<void> {
  await database.transaction(async (queries) => {
    let { seq, hash } = await takeTurn(queries, node);
    for (const entry of entries) {
      seq++;
      const record = { household: FIRST_HOUSEHOLD, ...entry, node, seq, noted: entry.until ?? entry.at };
      hash = linkHash(hash, record);
      await queries.execute(
        `INSERT INTO audit (node, seq, noted, at, until, who_kind, who_id, what, topic, device, address, outcome,
          detail, times, household, who_name, hash)
          VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        [
          node,
          seq,
          record.noted,
          entry.at,
          entry.until ?? null,
          entry.who.kind,
          entry.who.id ?? null,
          entry.what,
          entry.topic ?? null,
          entry.device ?? null,
          entry.from,
          entry.outcome,
          entry.detail ?? null,
          entry.times ?? 1,
          record.household,
          entry.who.name ?? null,
          hash,
        ],
      );
    }
    await queries.execute('UPDATE audit_heads SET seq = ?, hash = ? WHERE node = ?', [seq, hash, node]);
  });
}

/** The end of the chain, held until the transaction is over. */
async function takeTurn(queries: Queries, node: string): Promise<{ seq: number; hash: string }> {
  const make = 'INSERT INTO audit_heads (node, seq, hash) VALUES (?, 0, ?) ON CONFLICT DO NOTHING';
  await queries.execute(make, [node, GENESIS]);
  const hold = 'UPDATE audit_heads SET seq = seq WHERE node = ? RETURNING seq, hash';
  const [head] = await queries.query(hold, [node], (row) => ({
    seq: row.number('seq'),
    hash: row.text('hash'),
  }));
  return head ?? { seq: 0, hash: GENESIS };
}
