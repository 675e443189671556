/** Who may do what, and what has ended. Secrets are there as SHA-256 only. */
export const rights = [
  `CREATE TABLE tokens (
    id TEXT PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,
    topic TEXT NOT NULL,
    scope TEXT NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    last_used BIGINT
  )`,
  `CREATE TABLE app_sessions (
    id TEXT PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    last_used BIGINT,
    address TEXT NOT NULL,
    user_agent TEXT NOT NULL
  )`,
  `CREATE TABLE sign_in_links (
    hash TEXT PRIMARY KEY,
    expires BIGINT NOT NULL
  )`,
  // One-time codes, where several relays share the database.
  `CREATE TABLE codes (
    hash TEXT PRIMARY KEY,
    body TEXT NOT NULL,
    expires BIGINT NOT NULL
  )`,
  // What was taken away before its time, in order: every relay reads on from where it was.
  `CREATE TABLE revocations (
    seq BIGINT PRIMARY KEY,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    at BIGINT NOT NULL
  )`,
  'CREATE TABLE revocation_count (n BIGINT NOT NULL)',
  'INSERT INTO revocation_count (n) VALUES (0)',
  // Files of version 0.1 that were taken over.
  `CREATE TABLE imports (
    name TEXT PRIMARY KEY,
    at BIGINT NOT NULL
  )`,
];
