import { decodePermissions, type Permission } from '../people/permissions.ts';
import type { Row } from '../storage/row.ts';

/**
 * What an invite is to: a topic, with the device that it is under; one film, with the device that filmed it; or a whole
 * device, perhaps for a call.
 */
export type InvitePlace =
  | {
      readonly topic: string;
      readonly capture?: undefined;
      readonly device?: string | undefined;
      readonly isCall?: false;
    }
  | { readonly topic?: undefined; readonly capture: string; readonly device: string; readonly isCall?: false }
  | {
      readonly topic?: undefined;
      readonly capture?: undefined;
      readonly device: string;
      readonly isCall: boolean;
    };

/** A link by which somebody comes in who is no user. Times are milliseconds since 1970. */
export interface Invite {
  readonly id: string;
  readonly household: string;
  /** Id of the user who made it: it can do no more than he, and ends with him. */
  readonly madeBy: string;
  /** The name of whom it was made for. */
  readonly for: string;
  readonly place: InvitePlace;
  readonly permissions: readonly Permission[];
  readonly created: number;
  readonly expires: number;
  /** It opens once; the browser that has opened it goes on. */
  readonly once: boolean;
  readonly openings: number;
  readonly lastOpened: number | undefined;
}

export const decodeInvite = (row: Row): Invite => ({
  id: row.text('id'),
  household: row.text('household'),
  madeBy: row.text('made_by'),
  for: row.text('for_name'),
  place: decodePlace(row),
  permissions: decodePermissions(row.text('permissions')),
  created: row.number('created'),
  expires: row.number('expires'),
  once: row.number('once') === 1,
  openings: row.number('openings'),
  lastOpened: row.optionalNumber('last_opened'),
});

function decodePlace(row: Row): InvitePlace {
  const topic = row.optionalText('topic');
  if (topic !== undefined) return { topic, device: row.optionalText('device') };
  const [device, capture] = [row.text('device'), row.optionalText('capture')];
  return capture === undefined ? { device, isCall: row.number('is_call') === 1 } : { device, capture };
}
