import { Fields } from '../http/fields.ts';

export const permissions = ['view', 'listen', 'talk', 'command', 'call', 'captures'] as const;
export type Permission = (typeof permissions)[number];

export const roles = ['owner', 'member', 'guest'] as const;
export type Role = (typeof roles)[number];

/** Permissions by device; `*` is for all. */
export type Permissions = Readonly<Record<string, readonly Permission[]>>;

export interface Passkey {
  readonly id: string;
  readonly name: string;
  readonly created: number | undefined;
  readonly lastUsed: number | undefined;
}

/** Who is signed in here: a person, or whoever an invite was made for. */
export interface Me {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  readonly household: { readonly id: string; readonly name: string };
  readonly invite: MyInvite | undefined;
  /** What to type beside a password. */
  readonly signInName: string;
  readonly hasPassword: boolean;
  readonly passkeys: readonly Passkey[];
  readonly permissions: Permissions;
}

/** The invite that this browser was let in by. */
export interface MyInvite {
  readonly id: string;
  readonly for: string;
  readonly topic: string | undefined;
  readonly device: string | undefined;
  readonly permissions: readonly Permission[];
}

/** Understands `GET /api/v1/me`. */
export function decodeMe(value: unknown): Me {
  const fields = new Fields(value);
  const household = fields.object('household');
  const invite = fields.object('invite');
  return {
    id: fields.text('id'),
    name: fields.text('name'),
    role: fields.oneOf('role', roles, 'guest'),
    household: { id: household.text('id'), name: household.text('name') },
    invite: fields.has('invite')
      ? {
          id: invite.text('id'),
          for: invite.text('for'),
          topic: invite.maybeText('topic'),
          device: invite.maybeText('device'),
          permissions: knownPermissions(invite.texts('permissions')),
        }
      : undefined,
    signInName: fields.text('signInName', fields.text('name')),
    hasPassword: fields.flag('hasPassword'),
    passkeys: fields.list('passkeys', (passkey) => ({
      id: passkey.text('id'),
      name: passkey.text('name', 'Passkey'),
      created: passkey.time('created'),
      lastUsed: passkey.time('lastUsed'),
    })),
    permissions: decodePermissions(fields.entries('permissions')),
  };
}

export const decodePermissions = (entries: readonly [string, unknown][]): Permissions =>
  Object.fromEntries(
    entries.map(([device, list]) => [device, knownPermissions(Array.isArray(list) ? list : [])]),
  );

/** Those that this version of the app knows. */
export const knownPermissions = (list: readonly unknown[]): Permission[] =>
  permissions.filter((permission) => list.includes(permission));

/** Whether somebody may do something with a device. The relay decides; this says which buttons to show. */
export function may(me: Pick<Me, 'role' | 'permissions'>, permission: Permission, device: string): boolean {
  if (me.role === 'owner') return true;
  const given = me.permissions[device] ?? me.permissions['*'];
  // A member may everything that was not taken away.
  return given ? given.includes(permission) : me.role === 'member';
}

/** Whether there is a device with which somebody may do something. */
export function mayAnywhere(me: Pick<Me, 'role' | 'permissions'>, permission: Permission): boolean {
  if (may(me, permission, '*')) return true;
  return Object.values(me.permissions).some((given) => given.includes(permission));
}

/** Whether this browser is the only way in: somebody came by a link and has nothing to come back with. */
export const hasNoKey = (me: Me): boolean => !me.invite && !me.hasPassword && me.passkeys.length === 0;

/** Whether somebody belongs to the household, and sees its people and its history. */
export const mayLookAround = (me: Me): boolean => !me.invite && me.role !== 'guest';
