import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { type Clock, type Millis, millis } from '@perch/runtime';
import type { Database } from '../storage/database.ts';

/** A device signs what it was given within this time. As far apart the clocks of relays with one database may be. */
const LIFE = millis(60_000);
const TIME_BYTES = 8;
const RANDOM_BYTES = 16;
const MAC_BYTES = 16;

/**
 * Nonces for devices to sign, each good for one signature, soon. A nonce says itself when it was made, and that it was
 * by a relay of this database; only those that were used are kept. So whoever asks for many costs nothing.
 */
export class Challenges {
  readonly #database: Database;
  readonly #clock: Clock;
  #key: Promise<string> | undefined;

  constructor({ database, clock }: { database: Database; clock: Clock }) {
    this.#database = database;
    this.#clock = clock;
  }

  /** A new one, base64url. */
  async make(): Promise<string> {
    const time = Buffer.alloc(TIME_BYTES);
    time.writeBigUInt64BE(BigInt(Math.floor(this.#clock.wall())));
    const content = Buffer.concat([time, randomBytes(RANDOM_BYTES)]);
    return Buffer.concat([content, await this.#mac(content)]).toString('base64url');
  }

  /** Whether a relay of this database made it, less than a minute ago. It may have been used. */
  async isFresh(nonce: string): Promise<boolean> {
    const bytes = Buffer.from(nonce, 'base64url');
    if (bytes.length !== TIME_BYTES + RANDOM_BYTES + MAC_BYTES) return false;
    // One nonce, one spelling: base64 leaves room in its last character, and in characters that are no base64.
    if (bytes.toString('base64url') !== nonce) return false;
    const content = bytes.subarray(0, -MAC_BYTES);
    if (!timingSafeEqual(bytes.subarray(-MAC_BYTES), await this.#mac(content))) return false;
    return Math.abs(this.#clock.wall() - Number(content.readBigUInt64BE())) < LIFE;
  }

  /** Uses it. Call it with one that is fresh and was signed. @returns false where it had been used. */
  async spend(nonce: string): Promise<boolean> {
    const now: Millis = this.#clock.wall();
    await this.#database.execute('DELETE FROM spent_challenges WHERE expires <= ?', [Math.floor(now)]);
    const insert = `INSERT INTO spent_challenges (nonce, expires) VALUES (?, ?) ON CONFLICT (nonce) DO NOTHING`;
    // It is fresh for as long after its time as before.
    return (await this.#database.execute(insert, [nonce, Math.ceil(now + 2 * LIFE)])) > 0;
  }

  async #mac(content: Buffer): Promise<Buffer> {
    this.#key ??= this.#readKey().catch((error: unknown) => {
      this.#key = undefined;
      throw error;
    });
    return createHmac('sha256', await this.#key)
      .update(content)
      .digest()
      .subarray(0, MAC_BYTES);
  }

  /** The key is in the database, made by the first relay that asks. */
  async #readKey(): Promise<string> {
    const insert = `INSERT INTO challenge_keys (name, secret) VALUES ('devices', ?) ON CONFLICT (name) DO NOTHING`;
    const select = `SELECT secret FROM challenge_keys WHERE name = 'devices'`;
    const read = () => this.#database.query(select, [], (row) => row.text('secret'));
    const [known] = await read();
    if (known !== undefined) return known;
    await this.#database.execute(insert, [randomBytes(32).toString('base64url')]);
    const [made = ''] = await read();
    return made;
  }
}
