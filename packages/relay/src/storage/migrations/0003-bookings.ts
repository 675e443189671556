/** Bookings of practable relay that were cancelled. */
export const bookings = [
  // Denied until `until`, which is 0 where that was taken back; rights from up to `ended` are dead. Not needed after `forget`.
  `CREATE TABLE cancelled_bookings (
    id TEXT PRIMARY KEY,
    until BIGINT NOT NULL,
    ended BIGINT NOT NULL,
    forget BIGINT NOT NULL
  )`,
  // Counts the changes, so that relays that share the database see at a glance whether there is any.
  'CREATE TABLE booking_changes (n BIGINT NOT NULL)',
  'INSERT INTO booking_changes (n) VALUES (0)',
];
