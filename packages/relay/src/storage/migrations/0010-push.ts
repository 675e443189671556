/** Web Push: with which key the relay signs, whose browsers hear of captures, when not, and what is still to be sent. */
export const push = [
  // One row: whoever has the private half can send to every subscribed browser.
  `CREATE TABLE push_keys (
    name TEXT PRIMARY KEY,
    private_key TEXT NOT NULL,
    created BIGINT NOT NULL
  )`,
  // One for a signed-in browser; it ends with the session.
  `CREATE TABLE push_subscriptions (
    session TEXT PRIMARY KEY REFERENCES app_sessions (id) ON DELETE CASCADE,
    user_id TEXT NOT NULL,
    endpoint TEXT NOT NULL UNIQUE,
    p256dh TEXT NOT NULL,
    auth TEXT NOT NULL,
    created BIGINT NOT NULL,
    paid_until BIGINT NOT NULL,
    delivered BIGINT,
    problem TEXT
  )`,
  'CREATE INDEX push_subscriptions_by_user ON push_subscriptions (user_id)',
  // As JSON: quiet hours, and what is wanted of which device.
  `CREATE TABLE push_settings (
    user_id TEXT PRIMARY KEY,
    quiet TEXT,
    devices TEXT NOT NULL
  )`,
  // What waits for a browser. Of one tag there is one: what is new about it takes the place of what was.
  `CREATE TABLE push_outbox (
    subscription TEXT NOT NULL REFERENCES push_subscriptions (session) ON DELETE CASCADE,
    tag TEXT NOT NULL,
    what TEXT NOT NULL,
    is_alarm BIGINT NOT NULL,
    device TEXT NOT NULL,
    capture TEXT,
    at BIGINT NOT NULL,
    due BIGINT NOT NULL,
    leased BIGINT NOT NULL,
    tries BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    PRIMARY KEY (subscription, tag)
  )`,
  'CREATE INDEX push_outbox_by_due ON push_outbox (due)',
];
