/** What somebody may do with a device. */
export const permissions = ['view', 'listen', 'talk', 'command', 'call', 'captures'] as const;
export type Permission = (typeof permissions)[number];

/** `owner`: everything of the household. `member`: all permissions that were not taken away. `guest`: what was given. */
export const roles = ['owner', 'member', 'guest'] as const;
export type Role = (typeof roles)[number];

/** Stands for every device that has no list of its own, and for topics that belong to no device. */
export const EVERY_DEVICE = '*';

/** What somebody may do, and where that is written: with the device itself, or with {@link EVERY_DEVICE}. */
export interface Allowed {
  readonly permissions: readonly Permission[];
  readonly from: string;
}

/**
 * What a person may do with a device.
 *
 * @param given lists by device; one for a device counts in place of that for {@link EVERY_DEVICE}.
 * @param device none: with what belongs to no device.
 */
export function allowedOn(
  person: { readonly role: Role; readonly permissions: ReadonlyMap<string, readonly Permission[]> },
  device: string = EVERY_DEVICE,
): Allowed {
  if (person.role === 'owner') return { permissions, from: EVERY_DEVICE };
  const own = person.permissions.get(device);
  if (own) return { permissions: own, from: device };
  const usual = person.role === 'member' ? permissions : [];
  return { permissions: person.permissions.get(EVERY_DEVICE) ?? usual, from: EVERY_DEVICE };
}

/** Reads a list as the database has it: words parted by blanks. Words that this version does not know give nothing. */
export const decodePermissions = (text: string): readonly Permission[] =>
  permissions.filter((permission) => text.split(' ').includes(permission));

/** Whether somebody of this role may do what is for the other. */
export const isAtLeast = (role: Role, least: Role): boolean => roles.indexOf(role) <= roles.indexOf(least);
