/** The relay's certificate authorities, with their keys: whoever can read this table can make devices. */
export const authorities = [
  `CREATE TABLE certificate_authorities (
    name TEXT PRIMARY KEY,
    certificate TEXT NOT NULL,
    private_key TEXT NOT NULL,
    names TEXT NOT NULL,
    created BIGINT NOT NULL
  )`,
];
