import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Refusals } from '../audit/refusals.ts';
import { callerAddress } from '../auth/caller.ts';
import type { DeviceBook } from '../auth/gate.ts';
import { isSameOrigin } from '../auth/same-origin.ts';
import { type Scope, tokenMay } from '../auth/tokens.ts';
import { type Caller, type Known, NOBODY } from '../people/caller.ts';
import { authorization, type Callers } from '../people/callers.ts';
import { isAtLeast, type Permission, permissions, type Role } from '../people/permissions.ts';
import { rightAt } from '../people/rights.ts';

/** Who may use a route. Every route has one, or the server does not start. */
export type Permit =
  /** It holds no secret, or the body brings its own proof. `origin: 'own'`: but no page of another site. */
  | { readonly to: 'everyone'; readonly origin?: 'own' }
  /** Somebody who is signed in: guests and invites too. `isQuestion`: to be nobody is an answer, no attempt. */
  | { readonly to: 'session'; readonly isQuestion?: true }
  /** A user, no invite; a user of at least this role. */
  | { readonly to: 'user' | 'member' | 'owner' }
  /** Whoever has this permission, or any, on the device that `params.id` names; `least`: and is a user of such a role. */
  | { readonly to: 'device'; readonly permission: Permission | 'any'; readonly least?: Role }
  /** Whoever may see the captures of the device that filmed what `params.id` names; `least`: and is a user of such a role. */
  | { readonly to: 'capture'; readonly least?: Role }
  /** A device that shows its identity. */
  | { readonly to: 'enrolled' }
  /** An API token with this scope, or a person. */
  | { readonly to: 'scope'; readonly scope: Scope; readonly or?: 'session' | 'member' | 'owner' }
  /** Whoever has a right to the topic of the path, or to any where it is a list: the room asks the gate. */
  | { readonly to: 'topic' }
  /** An older relay's own token, checked by its room. */
  | { readonly to: 'legacy' };

/** Who may open a WebSocket, by path. */
export const socketPermits: Readonly<Record<string, Permit>> = {
  '/in/*': { to: 'topic' },
  '/out/*': { to: 'topic' },
  '/bi/*': { to: 'topic' },
  '/session/*': { to: 'topic' },
  '/ws': { to: 'topic' },
  '/agent': { to: 'enrolled' },
  '/agent/captures': { to: 'enrolled' },
  '/ds/v3': { to: 'enrolled' },
};

/** The row of a WebSocket's path; `undefined` where there is none of this path. */
export function socketPermit(path: string): Permit | undefined {
  const room = /^\/[^/]+\//.exec(path);
  return socketPermits[path] ?? (room ? socketPermits[`${room[0]}*`] : undefined);
}

/** A route, and who may use it. */
export interface PermitRow {
  readonly method: string;
  readonly url: string;
  readonly permit: Permit;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    permit?: Permit;
  }
  interface FastifyRequest {
    /** Who asks, as far as the route's row wants to know: `nobody` where anyone may. */
    caller: Caller;
  }
}

/** Which device of whose filmed what. */
export interface CaptureBook {
  find(id: string): Promise<{ readonly household: string; readonly device: string } | undefined>;
}

export interface PermitOptions {
  readonly callers: Callers;
  readonly devices?: DeviceBook | undefined;
  readonly captures?: CaptureBook | undefined;
  readonly refusals: Refusals;
}

/**
 * Enforces the rows: nothing of a request is read before.
 *
 * @returns all rows, complete when the server is ready.
 */
export function enforcePermits(app: FastifyInstance, options: PermitOptions): readonly PermitRow[] {
  const rows: PermitRow[] = [];
  app.addHook('onRoute', ({ method, url, config }) => {
    const permit = config?.permit;
    if (!permit) throw new TypeError(`config.permit: the route ${method} ${url} must say who may use it`);
    for (const each of [method].flat()) rows.push({ method: each, url, permit });
  });
  app.decorateRequest('caller');
  app.addHook('onRequest', async (request, reply) => {
    request.caller = NOBODY;
    const { permit } = request.routeOptions.config;
    if (!permit || request.is404) return;
    const verdict = await judge(request, permit, options);
    if (!('code' in verdict)) {
      request.caller = verdict;
      return;
    }
    const { code, message, caller } = verdict;
    const isAnswer = code === 401 && permit.to === 'session' && permit.isQuestion === true;
    if (!isAnswer) {
      options.refusals.note({
        what: 'request',
        ...(caller && { who: caller.who, household: caller.household }),
        from: callerAddress(request.raw),
        detail: `${request.method} ${request.routeOptions.url}: ${message}`,
      });
    }
    return reply.code(code).send({ code, message });
  });
  return rows;
}

interface Refusal {
  readonly code: 401 | 403 | 404;
  readonly message: string;
  /** Who asked, where that is known. */
  readonly caller?: Known;
}

/** Who asks, if he may; else why not. */
async function judge(
  request: FastifyRequest,
  permit: Permit,
  { callers, devices, captures }: PermitOptions,
): Promise<Caller | Refusal> {
  switch (permit.to) {
    case 'everyone':
      return permit.origin === 'own' && isForeign(request) ? FOREIGN : NOBODY;
    case 'topic':
    case 'legacy':
      return NOBODY;
    case 'enrolled':
      return (await callers.ofDevice(request)) ?? noIdentity(callers.whyNoDevice(request));
    case 'scope': {
      const caller = await callers.ofToken(request);
      if (caller && tokenMay(caller.token, permit.scope)) return caller;
      const message = `a token with scope ${permit.scope}${permit.or ? ', or a sign-in,' : ''} is needed`;
      const refusal: Refusal = { code: 401, message };
      if (!permit.or || authorization(request.headers) !== undefined) return refusal;
      return judgePerson(request, await callers.ofSession(request), permit.or, refusal);
    }
    case 'session':
    case 'user':
    case 'member':
    case 'owner':
      return judgePerson(request, await callers.ofSession(request), permit.to, NO_SIGN_IN);
    case 'capture': {
      const caller = judgePerson(request, await callers.ofSession(request), 'session', NO_SIGN_IN);
      if ('code' in caller) return caller;
      const { id: capture } = request.params as { id: string };
      const found = await captures?.find(capture);
      if (!found) return NO_CAPTURE;
      const film = { capture, household: found.household, device: found.device };
      // Its household's, also when the device is not enrolled any more.
      const verdict = judgeDevice(caller, film, 'captures');
      if ('code' in verdict) return verdict.code === 404 ? NO_CAPTURE : verdict;
      return judgeRole(verdict, permit.least ?? 'guest');
    }
    case 'device': {
      const caller = judgePerson(request, await callers.ofSession(request), 'session', NO_SIGN_IN);
      if ('code' in caller) return caller;
      const { id: device } = request.params as { id: string };
      const household = await devices?.householdOf(device);
      const verdict = judgeDevice(caller, { device, household }, permit.permission);
      return 'code' in verdict ? verdict : judgeRole(verdict, permit.least ?? 'guest');
    }
  }
}

function judgePerson(
  request: FastifyRequest,
  caller: Known | undefined,
  least: 'session' | 'user' | 'member' | 'owner',
  otherwise: Refusal,
): Known | Refusal {
  if (!caller) return otherwise;
  if (!isReading(request) && !isSameOrigin(request)) return { ...FOREIGN, caller };
  if (least === 'session') return caller;
  if (least !== 'user') return judgeRole(caller, least);
  return caller.kind === 'user' ? caller : { ...NO_USER, caller };
}

function judgeRole(caller: Known, least: Role): Known | Refusal {
  const role = caller.kind === 'user' ? caller.user.role : 'guest';
  if (isAtLeast(role, least)) return caller;
  return { code: 403, message: `only ${words[least]} may do this`, caller };
}

function judgeDevice(
  caller: Known,
  place: { readonly device: string; readonly household: string | undefined; readonly capture?: string },
  permission: Permission | 'any',
): Known | Refusal {
  const { household } = place;
  // Who has nothing to do with a device does not learn that it is there.
  if (household === undefined || household !== caller.household) return { ...NO_DEVICE, caller };
  const has = (wanted: readonly Permission[]) => rightAt(caller, { ...place, household }, wanted);
  const any = has(permissions);
  if (any.permissions.length === 0) return { ...NO_DEVICE, caller };
  const right = permission === 'any' ? any : has([permission]);
  if (right.permissions.length > 0) return { ...caller, by: right.by };
  const message = `you have no permission to ${verbs[permission as Permission]} this device`;
  return { code: 403, message, caller };
}

const isReading = ({ method }: FastifyRequest): boolean => ['GET', 'HEAD', 'OPTIONS'].includes(method);

/** A page of another site asks. Programs that are no browser say no origin. */
const isForeign = (request: FastifyRequest): boolean =>
  request.headers.origin !== undefined && !isSameOrigin(request);

const NO_SIGN_IN: Refusal = { code: 401, message: 'a sign-in is needed' };
const noIdentity = (why = 'the identity of an enrolled device is needed'): Refusal => ({
  code: 401,
  message: why,
});
const NO_DEVICE: Refusal = { code: 404, message: 'there is no such device' };
const NO_CAPTURE: Refusal = { code: 404, message: 'there is no such capture' };
const NO_USER: Refusal = { code: 403, message: 'only somebody with an account may do this' };
const FOREIGN: Refusal = { code: 403, message: 'a page of another site may not do this here' };

const words: Readonly<Record<Role, string>> = {
  owner: 'an owner of the household',
  member: 'a member of the household',
  guest: 'somebody who is signed in',
};

const verbs: Readonly<Record<Permission, string>> = {
  view: 'see',
  listen: 'hear',
  talk: 'talk through',
  command: 'command',
  call: 'call',
  captures: 'see the captures of',
};
