import type { Row } from '../../storage/row.ts';

/** A passkey of somebody: the public half. Times are milliseconds since 1970. */
export interface Passkey {
  /** As the browser knows it, base64url. */
  readonly id: string;
  readonly user: string;
  readonly name: string;
  /** COSE, base64url. */
  readonly publicKey: string;
  /** How often it has signed, where it counts. */
  readonly counter: number;
  readonly transports: readonly string[];
  readonly created: number;
  readonly lastUsed: number | undefined;
}

export const decodePasskey = (row: Row): Passkey => ({
  id: row.text('id'),
  user: row.text('user_id'),
  name: row.text('name'),
  publicKey: row.text('public_key'),
  counter: row.number('counter'),
  transports: row
    .text('transports')
    .split(' ')
    .filter((word) => word !== ''),
  created: row.number('created'),
  lastUsed: row.optionalNumber('last_used'),
});
