import type { ScryptCost } from './scrypt.ts';

// What the relay and the process that hashes say to each other, by Node's own channel.

export interface HashRequest extends ScryptCost {
  readonly password: string;
  /** Base64. */
  readonly salt: string;
}

export interface HashReply {
  /** Base64. */
  readonly hash: string;
}
