import type { Row } from '../storage/row.ts';
import { type Permission, type Role, roles } from './permissions.ts';

/** A person who may sign in. */
export interface User {
  readonly id: string;
  readonly household: string;
  /** Unique in the household, whatever the case of its letters. */
  readonly name: string;
  readonly role: Role;
  /** Milliseconds since 1970. */
  readonly created: number;
  readonly hasPassword: boolean;
  /** Where they are not those of the role: by device, or `*` for every device that has no list of its own. */
  readonly permissions: ReadonlyMap<string, readonly Permission[]>;
}

/** A row of `users`, still without its permissions. */
export const decodeUser = (row: Row): Omit<User, 'permissions'> => ({
  id: row.text('id'),
  household: row.text('household'),
  name: row.text('name'),
  // A role that this version does not know is the least.
  role: roles.find((role) => role === row.text('role')) ?? 'guest',
  created: row.number('created'),
  hasPassword: row.optionalText('password') !== undefined,
});
