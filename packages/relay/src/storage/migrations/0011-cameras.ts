/**
 * What cameras are to be, when, and what they were told, in place of the tables of 0009, in which nothing was ever kept:
 * several relays on one database hear of each other's changes, and each command is delivered by one of them.
 */
export const cameras = [
  'DROP TABLE camera_commands',
  'DROP TABLE cameras',
  // Numbers the changes, so that each relay reads what is new.
  'CREATE TABLE camera_count (n BIGINT NOT NULL)',
  'INSERT INTO camera_count (n) VALUES (0)',
  // `wanted`: armed (1), disarmed (0), nobody said. `schedule`: JSON; `next_edge`: when it switches next. `known`,
  // `problem`, `zone`: what the device said last, `said`: when.
  `CREATE TABLE cameras (
    device TEXT PRIMARY KEY,
    household TEXT NOT NULL,
    changed BIGINT NOT NULL,
    wanted BIGINT,
    wanted_by TEXT,
    wanted_at BIGINT,
    schedule TEXT,
    next_edge BIGINT,
    known BIGINT,
    problem TEXT,
    zone TEXT,
    said BIGINT
  )`,
  'CREATE INDEX cameras_by_change ON cameras (changed)',
  'CREATE INDEX cameras_by_edge ON cameras (next_edge)',
  // `claimed`: when a relay began to deliver it; nobody else does then. `delivered`: the device's agent has it; `handed`:
  // the camera program has it; `failed`: why not, in words. `asked_by`: JSON.
  `CREATE TABLE camera_commands (
    id TEXT PRIMARY KEY,
    number BIGINT NOT NULL,
    device TEXT NOT NULL,
    command TEXT NOT NULL,
    asked_by TEXT NOT NULL,
    asked BIGINT NOT NULL,
    claimed BIGINT,
    delivered BIGINT,
    handed BIGINT,
    failed TEXT
  )`,
  'CREATE INDEX camera_commands_by_device ON camera_commands (device, number)',
  'CREATE INDEX camera_commands_open ON camera_commands (device) WHERE delivered IS NULL AND failed IS NULL',
];
