import type { Millis } from '@perch/runtime';
import type { Connection } from '../connection.ts';

/** One connected client as practable relay says it. */
export interface Report {
  readonly topic: string;
  readonly canRead: boolean;
  readonly canWrite: boolean;
  readonly scopes: readonly string[];
  /** On the wall clock. */
  readonly connected: Millis;
  /** 0 where the right does not end by itself. */
  readonly expires: number;
  readonly remoteAddress: string;
  readonly userAgent: string;
}

export function reportOf(connection: Connection): Report {
  const { access, authority } = connection;
  const scopes = [...(access.read ? ['read'] : []), ...(access.write ? ['write'] : [])];
  return {
    topic: connection.topic,
    canRead: access.read,
    canWrite: access.write,
    scopes: authority.kind === 'booking' ? authority.scopes : scopes,
    connected: connection.openedAtWall,
    expires: 'expires' in authority ? authority.expires : 0,
    remoteAddress: connection.remoteAddress,
    userAgent: connection.userAgent,
  };
}

/** As on the topic `stats` (COMPAT 3.6). */
export const toStats = (report: Report) => ({
  canRead: report.canRead,
  canWrite: report.canWrite,
  connected: goTime(report.connected),
  expiresAt: goTime(report.expires),
  remoteAddr: report.remoteAddress,
  scopes: report.scopes,
  topic: report.topic,
  userAgent: report.userAgent,
});

/** As `GET /status` gives it (COMPAT 3.3): what is false or empty is left out, except `scopes`. */
export const toStatus = (report: Report) => ({
  can_read: report.canRead || undefined,
  can_write: report.canWrite || undefined,
  connected_at: goTime(report.connected),
  expires_at: goTime(report.expires),
  remote_addr: report.remoteAddress || undefined,
  scopes: report.scopes,
  topic: report.topic || undefined,
  user_agent: report.userAgent || undefined,
});

/** RFC 3339 in whole seconds, UTC. */
const goTime = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;
