import {
  decodePermissions,
  type Permission,
  type Permissions,
  permissions,
  type Role,
  roles,
} from '../account/me.ts';
import { type Answer, ask, segment, tell } from '../http/ask.ts';
import { decodeList, Fields } from '../http/fields.ts';
import { type Asked, useAsked } from '../http/use-asked.ts';

/** Somebody of the household, or a guest of it. */
export interface Person {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  /** What was given or left by device; a device without a list has that of `*`. */
  readonly permissions: Permissions;
}

const PERIOD_MS = 15_000;

/** All people of the household. @param asks whether the caller may know them. */
export const usePeople = (asks = true): Asked<Person[]> =>
  useAsked(asks ? '/api/v1/users' : undefined, decodePeople, PERIOD_MS);

/** Owners first, then by name. */
export function decodePeople(value: unknown): Person[] {
  const people = decodeList(value, decodePerson);
  return people.sort((a, b) => roles.indexOf(a.role) - roles.indexOf(b.role) || a.name.localeCompare(b.name));
}

function decodePerson(fields: Fields): Person | undefined {
  const id = fields.maybeText('id');
  if (id === undefined) return undefined;
  return {
    id,
    name: fields.text('name', id),
    role: fields.oneOf('role', roles, 'guest'),
    permissions: decodePermissions(fields.entries('permissions')),
  };
}

/** What somebody may do with a device, as the relay reckons it. */
export function allowedOn(person: Person, device: string): readonly Permission[] {
  if (person.role === 'owner') return permissions;
  const usual = person.role === 'member' ? permissions : [];
  return person.permissions[device] ?? person.permissions['*'] ?? usual;
}

export interface Made {
  /** The sign-in link, which is shown once. */
  readonly link: string;
  readonly id: string;
}

/** Takes somebody in. */
export const addPerson = (name: string, role: Role): Promise<Answer<Made>> =>
  ask('/api/v1/users', decodeMade, { method: 'POST', body: { name, role } });

function decodeMade(value: unknown): Made {
  const fields = new Fields(value);
  return { link: fields.text('link'), id: fields.text('id') };
}

/** Lists to set, by device; null gives a list up. Others stay. */
export type PermissionChange = Readonly<Record<string, readonly Permission[] | null>>;

/** Somebody with a change made. */
export function withChange(person: Person, change: PermissionChange): Person {
  const lists = Object.entries({ ...person.permissions, ...change });
  const kept = lists.filter((entry): entry is [string, readonly Permission[]] => entry[1] !== null);
  return { ...person, permissions: Object.fromEntries(kept) };
}

/** A new sign-in link, for who is locked out or has a new phone. */
export const makeLink = (id: string): Promise<Answer<string>> =>
  ask(`${at(id)}/link`, (value) => new Fields(value).text('link'), { method: 'POST', body: {} });

export const changePerson = (
  id: string,
  change: { readonly name?: string; readonly role?: Role; readonly permissions?: PermissionChange },
): Promise<Answer<undefined>> => tell(at(id), { method: 'PATCH', body: change });

/** All that they have open ends at once. */
export const removePerson = (id: string): Promise<Answer<undefined>> => tell(at(id), { method: 'DELETE' });

const at = (id: string) => `/api/v1/users/${segment(id)}`;
