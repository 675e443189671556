import type { Database, Queries } from '../storage/database.ts';

/** A table of the database as it is. */
export interface Table {
  readonly name: string;
  readonly columns: readonly string[];
  /** Columns of its primary key, in order; none where it has only one row. */
  readonly key: readonly string[];
}

/** What is worth nothing a few minutes later, and the version of the tables, which is in the header. */
export const passing: readonly string[] = [
  'acme_answers',
  'codes',
  'device_codes',
  'passkey_challenges',
  'perch_schema',
  'push_outbox',
  'spent_challenges',
];

const statements = {
  sqlite: {
    tables: `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name`,
    columns: 'SELECT name FROM pragma_table_info(?) ORDER BY cid',
    key: 'SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk',
  },
  postgres: {
    tables: `SELECT table_name::text AS name FROM information_schema.tables
      WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' ORDER BY 1`,
    columns: `SELECT column_name::text AS name FROM information_schema.columns
      WHERE table_schema = current_schema() AND table_name = ? ORDER BY ordinal_position`,
    key: `SELECT k.column_name::text AS name FROM information_schema.key_column_usage k
      JOIN information_schema.table_constraints c ON c.constraint_name = k.constraint_name
        AND c.table_schema = k.table_schema AND c.table_name = k.table_name
      WHERE c.constraint_type = 'PRIMARY KEY' AND k.table_schema = current_schema() AND k.table_name = ?
      ORDER BY k.ordinal_position`,
  },
} as const;

/** All tables that a backup carries. Whatever later versions add is among them unless it is said to be {@link passing}. */
export async function tablesOf(queries: Queries, dialect: Database['dialect']): Promise<Table[]> {
  const sql = statements[dialect];
  const names = (statement: string, values: readonly string[]) =>
    queries.query(statement, values, (row) => row.text('name'));
  const tables: Table[] = [];
  for (const name of await names(sql.tables, [])) {
    if (passing.includes(name)) continue;
    tables.push({ name, columns: await names(sql.columns, [name]), key: await names(sql.key, [name]) });
  }
  return tables;
}
