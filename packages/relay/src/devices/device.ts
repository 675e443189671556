import type { Row } from '../storage/row.ts';

/** A machine that was enrolled. Times are milliseconds since 1970. */
export interface Device {
  /** One segment of topic names: what it publishes is under it. */
  readonly id: string;
  readonly household: string;
  /** What people call it. */
  readonly name: string;
  readonly enrolled: number;
  /** When the latest of its certificates ends. */
  readonly certificateExpires: number;
  /** When it showed its identity last, to the minute; `undefined`: never yet. */
  readonly lastSeen: number | undefined;
  /** From where that was. */
  readonly address: string | undefined;
}

export const decodeDevice = (row: Row): Device => ({
  id: row.text('id'),
  household: row.text('household'),
  name: row.text('name'),
  enrolled: row.number('enrolled'),
  certificateExpires: row.number('certificate_expires'),
  lastSeen: row.optionalNumber('last_seen'),
  address: row.optionalText('address'),
});
