import type { Authority } from '../auth/codes.ts';

/** Whose right was used: of a person, an invite, a token, anyone (an open topic); or who runs the machine (`host`). */
export interface Who {
  /** `session`: in lines of before there were users. */
  readonly kind: Authority['kind'] | 'host' | 'unknown' | 'session';
  readonly id?: string;
  /** Of a person, as it was then. */
  readonly name?: string;
}

/** What somebody did or tried. */
export type Act =
  | 'view'
  /** Of who may hear and not see. */
  | 'listen'
  | 'publish'
  | 'statistics'
  | 'sign-in'
  | 'session-end'
  | 'password-set'
  | 'passkey-make'
  | 'passkey-remove'
  | 'user-make'
  | 'user-change'
  | 'user-remove'
  | 'link-make'
  | 'household-make'
  | 'invite-make'
  | 'invite-open'
  | 'invite-end'
  | 'token-make'
  | 'token-revoke'
  | 'device-code'
  | 'device-enrol'
  | 'device-renew'
  | 'device-rename'
  | 'device-remove'
  | 'device-online'
  | 'device-rival'
  | 'device-rules'
  | 'device-move'
  | 'device-command'
  | 'device-schedule'
  | 'capture-begin'
  | 'capture-view'
  | 'capture-change'
  | 'capture-share'
  | 'capture-remove'
  | 'push-change'
  | 'request'
  | 'limit'
  | 'booking-cancel'
  | 'booking-restore'
  | 'certificate-change'
  | 'relay-run'
  | 'backup'
  | 'restore'
  | 'notes-lost';

/** `begun` and `ended` belong together by `who`, `what` and `at`; `done` is of a moment. */
export type Outcome = 'begun' | 'ended' | 'done' | 'refused';

/** One line of the audit: who did what to which topic or device, from where, from when to when, and how it went. */
export interface AuditEntry {
  readonly who: Who;
  /** Whose members may read it. None: those of the first. */
  readonly household?: string;
  readonly what: Act;
  readonly topic?: string;
  readonly device?: string;
  /** Network address, or in words where there is none. */
  readonly from: string;
  /** When it was, or began: milliseconds since 1970. */
  readonly at: number;
  /** When it ended. */
  readonly until?: number;
  readonly outcome: Outcome;
  /** What else there is to know, in words. No secret. */
  readonly detail?: string;
  /** How often it happened between `at` and `until`, where one line stands for many. Default 1. */
  readonly times?: number;
}

/** What of an authority is written down. */
export const whoOf = (authority: Authority): Who => ({
  kind: authority.kind,
  ...('id' in authority && { id: authority.id }),
  ...('name' in authority && authority.name !== undefined && { name: authority.name }),
});
