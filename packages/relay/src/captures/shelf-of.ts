import type { Known } from '../people/caller.ts';
import { allowedOn, EVERY_DEVICE } from '../people/permissions.ts';
import type { Shelf } from './catalogue.ts';

/** Whose films somebody may see now, so that the database gives no others. */
export function shelfOf(caller: Known): Shelf {
  const { household } = caller;
  const nothing: Shelf = { household, devices: [] };
  switch (caller.kind) {
    case 'user': {
      const { user } = caller;
      if (user.role === 'owner') return { household };
      const own = [...user.permissions].filter(([device]) => device !== EVERY_DEVICE);
      const devicesThat = (isGiven: boolean) =>
        own.filter(([, list]) => list.includes('captures') === isGiven).map(([device]) => device);
      const isUsual = allowedOn(user).permissions.includes('captures');
      return isUsual ? { household, but: devicesThat(false) } : { household, devices: devicesThat(true) };
    }
    case 'invite': {
      const { capture, device, permissions } = caller.invite;
      if (!permissions.includes('captures')) return nothing;
      if (capture !== undefined) return { household, capture };
      return device === undefined ? nothing : { household, devices: [device] };
    }
    case 'token':
    case 'device':
      return nothing;
  }
}
