import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { HashRequest } from './hash-messages.ts';
import type { Hashing } from './hasher.ts';
import { decodeKept, encodeKept } from './kept-password.ts';
import { type ScryptCost, USUAL_COST } from './scrypt.ts';

/** So many wait at most; one more is turned away. */
const MOST_WAITING = 32;
const SALT_BYTES = 16;

export const SHORTEST_PASSWORD = 8;
export const LONGEST_PASSWORD = 256;

export type Checked = 'right' | 'wrong' | 'busy';

/** Passwords, hashed one after the other: a crowd of attempts waits, and then is turned away. */
export class Passwords implements AsyncDisposable {
  readonly #hashing: Hashing;
  readonly #cost: ScryptCost;
  #waiting = 0;
  #last: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  /** @param options.hashing is ours from now on. */
  constructor(options: { hashing: Hashing; cost?: ScryptCost }) {
    this.#hashing = options.hashing;
    this.#cost = options.cost ?? USUAL_COST;
  }

  /** How a new password is kept. */
  async keep(password: string): Promise<string | 'busy'> {
    const salt = randomBytes(SALT_BYTES);
    const hash = await this.#hash(password, salt, this.#cost);
    return hash === 'busy' ? 'busy' : encodeKept({ ...this.#cost, salt, hash });
  }

  /**
   * Compares a password with the kept one.
   *
   * @param kept `undefined` where there is none: that takes as long, and is wrong.
   */
  async check(password: string, kept: string | undefined): Promise<Checked> {
    const known = kept === undefined ? undefined : decodeKept(kept);
    const salt = known?.salt ?? randomBytes(SALT_BYTES);
    const hash = await this.#hash(password, salt, known ?? this.#cost);
    if (hash === 'busy') return 'busy';
    return known && timingSafeEqual(hash, known.hash) ? 'right' : 'wrong';
  }

  /** Turns away who waits. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await this.#hashing[Symbol.asyncDispose]();
  }

  async #hash(password: string, salt: Buffer, cost: ScryptCost): Promise<Buffer | 'busy'> {
    // One is being hashed, the others wait.
    if (this.#isClosed || this.#waiting > MOST_WAITING) return 'busy';
    const { cost: n, blockSize, parallel } = cost;
    const request: HashRequest = {
      // The same letters, however a keyboard makes them.
      password: password.normalize('NFKC'),
      salt: salt.toString('base64'),
      cost: n,
      blockSize,
      parallel,
    };
    this.#waiting++;
    const hash = this.#last.then(() => {
      if (this.#isClosed) throw new Error('the relay stops');
      return this.#hashing.hash(request);
    });
    this.#last = hash.catch(() => undefined);
    try {
      return Buffer.from(await hash, 'base64');
    } catch (error) {
      if (this.#isClosed) return 'busy';
      throw error;
    } finally {
      this.#waiting--;
    }
  }
}
