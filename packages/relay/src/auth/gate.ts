import { type Access, matchesTopic, type TopicPath, type Unshown } from '@perch/protocol';
import type { Clock } from '@perch/runtime';
import type { Bookings } from '../legacy/bookings.ts';
import type { Known, LastingAuthority } from '../people/caller.ts';
import { authorization, type Callers, type Visitor } from '../people/callers.ts';
import { FIRST_HOUSEHOLD } from '../people/household.ts';
import { isAtLeast } from '../people/permissions.ts';
import { rightAt } from '../people/rights.ts';
import type { Authority, Codes, Grant, TopicPlace } from './codes.ts';
import { Holdings } from './holdings.ts';
import { type Revocations, restingOn } from './revocations.ts';
import { isSameOrigin } from './same-origin.ts';
import { tokenAccess } from './tokens.ts';

export { authorization, SESSION_COOKIE, type Visitor } from '../people/callers.ts';

/** Finds whose a device is; `undefined` where there is none of this name. */
export interface DeviceBook {
  householdOf(device: string): Promise<string | undefined>;
}

export interface GateOptions {
  readonly open: readonly string[];
  readonly callers: Callers;
  readonly codes: Codes;
  readonly revocations: Revocations;
  readonly devices?: DeviceBook | undefined;
  readonly bookings?: Bookings | undefined;
  readonly clock: Clock;
}

/**
 * Who may do what on topics. A right comes from `--open`, from a token, from a device's certificate, from a one-time code,
 * or from the app's cookie. The others are brought by whoever asks; a cookie is sent by a browser on its own, so it counts
 * only with the same `Origin` wherever something is opened or changed.
 */
export class Gate {
  readonly #options: GateOptions;
  readonly #holdings = new Holdings((authority) => this.holds(authority));

  constructor(options: GateOptions) {
    this.#options = options;
  }

  /** Whether anyone may read and write the topic. */
  isOpen(topic: string): boolean {
    return this.#options.open.some((glob) => matchesTopic(glob, topic));
  }

  /** To whom a topic belongs: what is under a device's name to its household, everything else to the first. */
  async placeOf(topic: string): Promise<TopicPlace> {
    const [device, rest] = topic.split('/', 2);
    const household =
      device === undefined || rest === undefined
        ? undefined
        : await this.#options.devices?.householdOf(device);
    return device === undefined || household === undefined
      ? { household: FIRST_HOUSEHOLD }
      : { household, device };
  }

  /** What a visitor without code may do on a topic; `undefined` if nothing. */
  async grant(visitor: Visitor, topic: string): Promise<Grant | undefined> {
    if (this.isOpen(topic)) {
      const access = { read: true, write: true };
      return { topic, access, by: { kind: 'open' }, place: await this.placeOf(topic) };
    }
    // First, since what is revoked from then on ends the grant: a device that goes meanwhile, too.
    const caller = await this.#caller(visitor);
    const place = await this.placeOf(topic);
    if (caller?.household !== place.household) return undefined;
    switch (caller.kind) {
      case 'device': {
        const access = { read: false, write: true };
        return caller.device === place.device ? { topic, access, by: caller.by, place } : undefined;
      }
      case 'token': {
        const access = tokenAccess(caller.token, topic);
        return access.read || access.write
          ? { topic, access, by: onDevice(caller.by, place), place }
          : undefined;
      }
      case 'user':
      case 'invite': {
        if (!isSameOrigin(visitor)) return undefined;
        const { permissions, by } = rightAt(caller, { ...place, topic }, ['view', 'listen']);
        const [first, second] = permissions;
        if (first === undefined) return undefined;
        const unshown: Unshown = first === 'view' ? 'audio' : 'video';
        const access = { read: true, write: false, ...(second === undefined && { without: unshown }) };
        return { topic, access, by, place };
      }
    }
  }

  /** Who brings his own right, else whose browser it is. */
  async #caller(visitor: Visitor): Promise<Known | undefined> {
    const { callers } = this.#options;
    const device = await callers.ofDevice(visitor);
    if (device) return device;
    return authorization(visitor.headers) === undefined
      ? callers.ofSession(visitor)
      : callers.ofToken(visitor);
  }

  /** What a WebSocket on this path may do; `undefined` to refuse it. */
  async admit(visitor: Visitor, path: TopicPath, code: string | null): Promise<Grant | undefined> {
    if (path.kind === 'session') {
      const grant = code === null ? undefined : await this.#options.codes.redeem(code, path.topic);
      // A booking's token may have a scope that is for no topic.
      const mayAny = grant !== undefined && (grant.access.read || grant.access.write);
      return mayAny && this.holds(grant.by) ? grant : undefined;
    }
    const grant = await this.grant(visitor, path.topic);
    if (!grant) return undefined;
    const access = narrow(grant.access, path.kind);
    return access && { ...grant, access };
  }

  /** A one-time code for what the visitor may do on the topic. */
  async issueCode(visitor: Visitor, topic: string): Promise<'refused' | 'busy' | { readonly code: string }> {
    const grant = await this.grant(visitor, topic);
    if (!grant) return 'refused';
    const code = await this.#options.codes.issue(grant);
    return code === undefined ? 'busy' : { code };
  }

  /** Which topics a visitor may see in a list; `undefined` if he may see no list. Same origin is not needed to look. */
  async visibleTopics(
    visitor: Visitor,
  ): Promise<((topic: string, place: TopicPlace) => boolean) | undefined> {
    const caller = await this.#caller(visitor);
    if (!caller) {
      const mayLook = this.#options.open.length > 0 && authorization(visitor.headers) === undefined;
      return mayLook ? (topic) => this.isOpen(topic) : undefined;
    }
    const mayRead = (topic: string, place: TopicPlace) =>
      caller.kind === 'token'
        ? caller.household === place.household && tokenAccess(caller.token, topic).read
        : rightAt(caller, { ...place, topic }, ['view', 'listen']).permissions.length > 0;
    return (topic, place) => this.isOpen(topic) || mayRead(topic, place);
  }

  /**
   * Whose connections a visitor may see the statistics of, with the addresses of others: who may read topic `stats`, and
   * members of a household. `undefined`: nobody's.
   *
   * @param isSocket a cookie counts only with the same origin.
   */
  async statistics(visitor: Visitor, isSocket: boolean): Promise<Onlooker | undefined> {
    if (this.isOpen('stats')) return { household: FIRST_HOUSEHOLD, by: { kind: 'open' } };
    const caller = await this.#caller(visitor);
    if (caller?.kind === 'token' && tokenAccess(caller.token, 'stats').read) return caller;
    if (caller?.kind !== 'user' || !isAtLeast(caller.user.role, 'member')) return undefined;
    return isSocket && !isSameOrigin(visitor) ? undefined : caller;
  }

  /** Why the identity that a refused visitor shows is not good, in words; `undefined` where he shows none. */
  whyNot(visitor: Visitor): string | undefined {
    return this.#options.callers.whyNoDevice(visitor);
  }

  /** Whether what a grant rests on still holds: not revoked, not expired. */
  holds(authority: Authority): boolean {
    const { clock, revocations, bookings } = this.#options;
    switch (authority.kind) {
      case 'open':
      case 'crossbar':
        return true;
      case 'booking':
        return bookings?.holds(authority) ?? false;
      default:
        return (
          (authority.expires === undefined || authority.expires > clock.wall()) &&
          !authority.rests.some((what) => revocations.endedSince(what, authority.seq))
        );
    }
  }

  /** Something stays open as long as the authority holds: `end` is called once, when it does not any more. */
  whileHolds(authority: Authority, end: () => void): Disposable {
    return this.#holdings.add(authority, end);
  }

  /** Ends what has no right any more: called when something was revoked, and once a second for what expires. */
  dismiss(): void {
    this.#holdings.dismiss();
  }
}

/** Who may see which household's statistics, by which right. */
export interface Onlooker {
  readonly household: string;
  readonly by: Authority;
}

/** A right to a topic under a device's name ends with the device, whosever it is. */
const onDevice = (by: LastingAuthority, { device }: TopicPlace): LastingAuthority =>
  device === undefined ? by : { ...by, rests: [...by.rests, restingOn({ kind: 'device', id: device })] };

/** What the path leaves of a right; `undefined` if nothing that the path is for. */
function narrow(access: Access, kind: 'in' | 'out' | 'bi'): Access | undefined {
  switch (kind) {
    case 'in':
      return access.write ? access : undefined;
    case 'out':
      return access.read ? { ...access, write: false } : undefined;
    case 'bi':
      return access;
  }
}
