/** Films, their segments, alarms; and what cameras were told. Files are beside the database, named in these rows. */
export const captures = [
  // `name`: the device's own id for it. `source`: by which protocol it came. `timestamp`: seconds since 1970, by the
  // device's clock. `segments`: how many the device says there are, once it has ended. A removed one keeps its row, so
  // that what is offered again is known.
  `CREATE TABLE captures (
    id TEXT PRIMARY KEY,
    household TEXT NOT NULL,
    device TEXT NOT NULL,
    name TEXT NOT NULL,
    source TEXT NOT NULL,
    cause TEXT NOT NULL,
    timestamp BIGINT NOT NULL,
    changed BIGINT NOT NULL,
    ended BIGINT,
    segments BIGINT,
    is_kept BIGINT NOT NULL,
    removed BIGINT,
    UNIQUE (device, name)
  )`,
  'CREATE INDEX captures_by_time ON captures (household, timestamp)',
  // `state`: here, cut (the connection broke, no more will come), lost (says the device), removed. `playable`: 1 and 0 as
  // ffmpeg judged, nothing where it has not. `duration` in ms.
  `CREATE TABLE capture_segments (
    capture TEXT NOT NULL,
    number BIGINT NOT NULL,
    state TEXT NOT NULL,
    extension TEXT,
    size BIGINT,
    sha256 TEXT,
    reason TEXT,
    stored BIGINT NOT NULL,
    playable BIGINT,
    duration BIGINT,
    PRIMARY KEY (capture, number)
  )`,
  // `id`: the device's, so that one told twice is one.
  `CREATE TABLE capture_alarms (
    device TEXT NOT NULL,
    id TEXT NOT NULL,
    household TEXT NOT NULL,
    timestamp BIGINT NOT NULL,
    capture TEXT,
    gpio BIGINT,
    PRIMARY KEY (device, id)
  )`,
  'CREATE INDEX capture_alarms_by_time ON capture_alarms (household, timestamp)',
  `CREATE TABLE capture_retention (
    household TEXT PRIMARY KEY,
    days BIGINT,
    bytes BIGINT
  )`,
  // What a camera is to be, the last said; and what it was told, with what became of it.
  `CREATE TABLE cameras (
    device TEXT PRIMARY KEY,
    is_armed BIGINT,
    schedule TEXT,
    changed BIGINT NOT NULL
  )`,
  `CREATE TABLE camera_commands (
    id TEXT PRIMARY KEY,
    device TEXT NOT NULL,
    command TEXT NOT NULL,
    asked_by TEXT NOT NULL,
    asked BIGINT NOT NULL,
    delivered BIGINT,
    handed BIGINT,
    failed TEXT
  )`,
  'CREATE INDEX camera_commands_by_device ON camera_commands (device, asked)',
];
