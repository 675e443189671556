/** Who the people are, what they may do, and how they show who they are. */
export const people = [
  `CREATE TABLE households (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    created BIGINT NOT NULL
  )`,
  // Every relay has this one; whatever was there before households were belongs to it.
  "INSERT INTO households (id, name, created) VALUES ('home', 'home', 0)",
  `CREATE TABLE users (
    id TEXT PRIMARY KEY,
    household TEXT NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    role TEXT NOT NULL,
    created BIGINT NOT NULL,
    password TEXT,
    UNIQUE (household, name_key)
  )`,
  // Until now whoever held a link was the owner.
  `INSERT INTO users (id, household, name, name_key, role, created)
    VALUES ('owner', 'home', 'Owner', 'owner', 'owner', 0)`,
  // Where somebody's permissions are not the usual ones. Device '*': every device without a row of its own.
  `CREATE TABLE user_permissions (
    user_id TEXT NOT NULL,
    device TEXT NOT NULL,
    permissions TEXT NOT NULL,
    PRIMARY KEY (user_id, device)
  )`,
  `CREATE TABLE passkeys (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL,
    name TEXT NOT NULL,
    public_key TEXT NOT NULL,
    counter BIGINT NOT NULL,
    transports TEXT NOT NULL,
    created BIGINT NOT NULL,
    last_used BIGINT
  )`,
  'CREATE INDEX passkeys_by_user ON passkeys (user_id)',
  // What a passkey is to sign: once, soon, in the browser that asked.
  `CREATE TABLE passkey_challenges (
    hash TEXT PRIMARY KEY,
    challenge TEXT NOT NULL,
    user_id TEXT,
    expires BIGINT NOT NULL
  )`,
  // A session is of a user or of an invite.
  'ALTER TABLE app_sessions ADD COLUMN user_id TEXT',
  "UPDATE app_sessions SET user_id = 'owner'",
  'ALTER TABLE app_sessions ADD COLUMN invite TEXT',
  "ALTER TABLE sign_in_links ADD COLUMN user_id TEXT NOT NULL DEFAULT 'owner'",
  "ALTER TABLE tokens ADD COLUMN household TEXT NOT NULL DEFAULT 'home'",
  // Who made it; it ends with him. Empty: the machine's owner.
  'ALTER TABLE tokens ADD COLUMN made_by TEXT',
  // Who may read a line: the household's members. The person's name as it was then.
  'ALTER TABLE audit ADD COLUMN household TEXT',
  'ALTER TABLE audit ADD COLUMN who_name TEXT',
];
