/** Links to one film, and what finds films among very many. */
export const filmShares = [
  // An invite to one capture: `device` is the one that filmed it.
  'ALTER TABLE invites ADD COLUMN capture TEXT',
  'CREATE INDEX captures_by_device ON captures (device, timestamp)',
  'CREATE INDEX captures_by_removal ON captures (removed)',
  'CREATE INDEX capture_alarms_by_capture ON capture_alarms (capture)',
  'CREATE INDEX capture_alarms_by_device ON capture_alarms (device, timestamp)',
];
