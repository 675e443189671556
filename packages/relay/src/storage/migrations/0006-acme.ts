/** Certificates by ACME: the account, what was got, whose turn it is to get one, and the answers that prove our names. */
export const acme = [
  `CREATE TABLE acme_accounts (
    directory TEXT PRIMARY KEY,
    private_key TEXT NOT NULL,
    created BIGINT NOT NULL
  )`,
  `CREATE TABLE acme_certificates (
    id TEXT PRIMARY KEY,
    certificate TEXT,
    private_key TEXT,
    turn_of TEXT NOT NULL,
    turn_until BIGINT NOT NULL
  )`,
  `CREATE TABLE acme_answers (
    token TEXT PRIMARY KEY,
    answer TEXT NOT NULL,
    expires BIGINT NOT NULL
  )`,
];
