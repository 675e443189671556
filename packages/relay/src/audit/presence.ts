import type { Connection } from '../connection.ts';
import type { Audit } from './audit.ts';
import { whoOf } from './entry.ts';

/** Who is on a topic, for the audit: viewers and publishers from when to when. Nothing is done per message. */
export class Presence {
  readonly #audit: Audit;
  readonly #here = new Map<Connection, () => void>();

  constructor(audit: Audit) {
    this.#audit = audit;
  }

  /** A connection is on its topic now. */
  joined(connection: Connection): void {
    const { access, topic, from, place, userAgent } = connection;
    const who = whoOf(connection.authority);
    const joinedAt = this.#audit.now();
    const isViewer = access.read && connection.isViewer;
    // With what somebody looks is worth knowing: a phone, a screen on the wall, a program.
    const program = isViewer && userAgent !== '' && { detail: userAgent };
    const does = access.without === 'video' ? 'listen' : 'view';
    const what = isViewer ? does : 'publish';
    const end = this.#audit.begin({ who, what, topic, ...place, from, ...program });
    this.#here.set(connection, () => {
      end();
      // Who may do both counts as a viewer; that it has published is known at its end.
      if (!isViewer || connection.received.messages === 0) return;
      const until = Math.max(joinedAt, this.#audit.now());
      this.#audit.note({
        who,
        what: 'publish',
        topic,
        ...place,
        from,
        at: joinedAt,
        until,
        outcome: 'ended',
      });
    });
  }

  /** It is not on its topic any more. */
  left(connection: Connection): void {
    this.#here.get(connection)?.();
    this.#here.delete(connection);
  }
}
