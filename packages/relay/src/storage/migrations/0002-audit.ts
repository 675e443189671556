/** Who did what. Rows are only added; each holds the hash of the one before (`audit/chain.ts`). */
export const audit = [
  `CREATE TABLE audit (
    node TEXT NOT NULL,
    seq BIGINT NOT NULL,
    noted BIGINT NOT NULL,
    at BIGINT NOT NULL,
    until BIGINT,
    who_kind TEXT NOT NULL,
    who_id TEXT,
    what TEXT NOT NULL,
    topic TEXT,
    device TEXT,
    address TEXT NOT NULL,
    outcome TEXT NOT NULL,
    detail TEXT,
    times BIGINT NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (node, seq)
  )`,
  'CREATE INDEX audit_by_time ON audit (noted, node, seq)',
  // Where each chain ends: its last row, and whose turn it is to add one.
  `CREATE TABLE audit_heads (
    node TEXT PRIMARY KEY,
    seq BIGINT NOT NULL,
    hash TEXT NOT NULL
  )`,
];
