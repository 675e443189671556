import { restingOn } from '../auth/revocations.ts';
import type { Known, LastingAuthority } from './caller.ts';
import { allowedOn, type Permission } from './permissions.ts';
import type { User } from './user.ts';

/** What a right is for: a device, a topic or a film of a household. */
export interface Place {
  readonly household: string;
  readonly device?: string | undefined;
  readonly topic?: string | undefined;
  readonly capture?: string | undefined;
}

/** What of the permissions that were asked for somebody has, and on what that rests. */
export interface Right {
  readonly permissions: readonly Permission[];
  readonly by: LastingAuthority;
}

/** Which of these permissions somebody has at a place. Tokens and devices have none: they have scopes, and what is theirs. */
export function rightAt(caller: Known, place: Place, wanted: readonly Permission[]): Right {
  if (caller.household !== place.household) return { permissions: [], by: caller.by };
  const device = place.device === undefined ? [] : [restingOn({ kind: 'device', id: place.device })];
  switch (caller.kind) {
    case 'user': {
      const { permissions, rests } = userRight(caller.user, place, wanted);
      return { permissions, by: { ...caller.by, rests: [...caller.by.rests, ...device, ...rests] } };
    }
    case 'invite': {
      const { invite } = caller;
      const isThere =
        (invite.device !== undefined && invite.device === place.device) ||
        (invite.topic !== undefined && invite.topic === place.topic) ||
        (invite.capture !== undefined && invite.capture === place.capture);
      const permissions = wanted.filter((permission) => isThere && invite.permissions.includes(permission));
      return { permissions, by: { ...caller.by, rests: [...caller.by.rests, ...device] } };
    }
    case 'token':
    case 'device':
      return { permissions: [], by: caller.by };
  }
}

/** Which of these permissions a user has at a place of his household, and on which of them that rests. */
export function userRight(
  user: User,
  place: Pick<Place, 'device'>,
  wanted: readonly Permission[],
): { readonly permissions: readonly Permission[]; readonly rests: readonly string[] } {
  const allowed = allowedOn(user, place.device);
  const permissions = wanted.filter((permission) => allowed.permissions.includes(permission));
  // A list of the device's own, made later, counts in place of the one for every device.
  const lists = new Set([allowed.from, place.device ?? allowed.from]);
  const rests = permissions.flatMap((permission) =>
    [...lists].map((list) => restingOnPermission(user.id, list, permission)),
  );
  return { permissions, rests };
}

/** As one word of those that an authority rests on. @param list a device, or `*`. */
export const restingOnPermission = (user: string, list: string, permission: Permission): string =>
  restingOn({ kind: 'permission', id: `${user} ${list} ${permission}` });
