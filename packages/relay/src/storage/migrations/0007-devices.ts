/** The machines that were enrolled, and how they show who they are. */
export const devices = [
  // The row of one that was removed stays: its id is never given again, since its certificates are still about.
  `CREATE TABLE devices (
    id TEXT PRIMARY KEY,
    household TEXT NOT NULL,
    name TEXT NOT NULL,
    enrolled BIGINT NOT NULL,
    certificate_expires BIGINT NOT NULL,
    last_seen BIGINT,
    address TEXT,
    removed BIGINT
  )`,
  // Codes for devices that are still to come. made_by empty: who runs the machine.
  `CREATE TABLE device_codes (
    hash TEXT PRIMARY KEY,
    household TEXT NOT NULL,
    name TEXT NOT NULL,
    made_by TEXT,
    expires BIGINT NOT NULL
  )`,
  // With this the relays that share the database know the nonces that they gave out.
  `CREATE TABLE challenge_keys (
    name TEXT PRIMARY KEY,
    secret TEXT NOT NULL
  )`,
  // Nonces that were used, for as long as they are fresh.
  `CREATE TABLE spent_challenges (
    nonce TEXT PRIMARY KEY,
    expires BIGINT NOT NULL
  )`,
];
