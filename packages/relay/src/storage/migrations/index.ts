import type { Migration } from '../migration.ts';
import { rights } from './0001-rights.ts';
import { audit } from './0002-audit.ts';
import { bookings } from './0003-bookings.ts';
import { authorities } from './0004-authorities.ts';
import { people } from './0005-people.ts';
import { acme } from './0006-acme.ts';
import { devices } from './0007-devices.ts';
import { invites } from './0008-invites.ts';
import { captures } from './0009-captures.ts';
import { push } from './0010-push.ts';
import { cameras } from './0011-cameras.ts';
import { filmShares } from './0012-film-shares.ts';
import { pushReminders } from './0013-push-reminders.ts';

/** Every step, in order. The position in this list is the version of the tables: never take one out or move it. */
export const migrations: readonly Migration[] = [
  rights,
  audit,
  bookings,
  authorities,
  people,
  acme,
  devices,
  invites,
  captures,
  push,
  cameras,
  filmShares,
  pushReminders,
];
