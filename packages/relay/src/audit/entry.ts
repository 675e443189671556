import type { Authority } from '../auth/codes.ts';

/** Whose right was used: of a token, a browser's session, anyone (an open topic); or who runs the machine (`host`). */
export interface Who {
  readonly kind: Authority['kind'] | 'host' | 'unknown';
  readonly id?: string;
}

/** What somebody did or tried. */
export type Act =
  | 'view'
  | 'publish'
  | 'statistics'
  | 'sign-in'
  | 'session-end'
  | 'token-make'
  | 'token-revoke'
  | 'audit'
  | 'booking-cancel'
  | 'booking-restore'
  | 'relay-run'
  | 'notes-lost';

/** `begun` and `ended` belong together by `who`, `what` and `at`; `done` is of a moment. */
export type Outcome = 'begun' | 'ended' | 'done' | 'refused';

/** One line of the audit: who did what to which topic or device, from where, from when to when, and how it went. */
export interface AuditEntry {
  readonly who: Who;
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
export const whoOf = (authority: Authority): Who =>
  'id' in authority ? { kind: authority.kind, id: authority.id } : { kind: authority.kind };
