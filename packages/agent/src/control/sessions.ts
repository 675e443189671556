import { channelLimits } from '@perch/protocol';
import { Session, type SessionOptions } from './session.ts';

/** The sessions of the relays that an agent was connected to last. */
export class Sessions {
  readonly #options: SessionOptions;
  readonly #sessions = new Map<string, Session>();

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  /** The one of this name: as it was left, or a new one. */
  of(name: string): Session {
    const session = this.#sessions.get(name) ?? new Session(this.#options);
    this.#sessions.delete(name);
    this.#sessions.set(name, session);
    for (const oldest of this.#sessions.keys()) {
      if (this.#sessions.size <= channelLimits.rememberedSessions) break;
      this.#sessions.delete(oldest);
    }
    return session;
  }
}
