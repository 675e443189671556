/** Links that let somebody in who is no user. `device`: whose topic it is, or the device itself where there is no topic. */
export const invites = [
  `CREATE TABLE invites (
    id TEXT PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,
    household TEXT NOT NULL,
    made_by TEXT NOT NULL,
    for_name TEXT NOT NULL,
    topic TEXT,
    device TEXT,
    is_call BIGINT NOT NULL,
    permissions TEXT NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    once BIGINT NOT NULL,
    openings BIGINT NOT NULL,
    last_opened BIGINT
  )`,
  'CREATE INDEX invites_by_household ON invites (household)',
];
