import { type Clock, millis } from '@perch/runtime';
import { hashSecret, newSecret } from '../../auth/secret.ts';
import type { Database } from '../../storage/database.ts';

/** A challenge is good for so long. */
export const CHALLENGE_LIFE = millis(5 * 60_000);
/** So many may be pending; the oldest give way. */
const MOST_PENDING = 10_000;

/** What a passkey is to sign. */
export interface Challenge {
  /** Base64url. */
  readonly challenge: string;
  /** Whose passkey is to be made; absent where one is to be shown. */
  readonly user: string | undefined;
}

/** Challenges for passkeys: each is used once, soon, and by the browser that asked for it. */
export class Challenges {
  readonly #database: Database;
  readonly #clock: Clock;

  constructor(options: { database: Database; clock: Clock }) {
    this.#database = options.database;
    this.#clock = options.clock;
  }

  /** @returns the secret by which the browser shows that it is the one: for a cookie. */
  async issue({ challenge, user }: Challenge): Promise<string> {
    const secret = newSecret();
    const now = Math.floor(this.#clock.wall());
    const drop = `DELETE FROM passkey_challenges WHERE expires <= ? OR hash IN
      (SELECT hash FROM passkey_challenges ORDER BY expires DESC, hash LIMIT 1000 OFFSET ?)`;
    await this.#database.execute(drop, [now, MOST_PENDING - 1]);
    await this.#database.execute(
      'INSERT INTO passkey_challenges (hash, challenge, user_id, expires) VALUES (?, ?, ?, ?)',
      [hashSecret(secret), challenge, user ?? null, now + CHALLENGE_LIFE],
    );
    return secret;
  }

  /** Spends the challenge that was given to this browser. */
  async spend(secret: string): Promise<Challenge | undefined> {
    const spend =
      'DELETE FROM passkey_challenges WHERE hash = ? AND expires > ? RETURNING challenge, user_id';
    const values = [hashSecret(secret), Math.floor(this.#clock.wall())];
    const [challenge] = await this.#database.query(spend, values, (row) => ({
      challenge: row.text('challenge'),
      user: row.optionalText('user_id'),
    }));
    return challenge;
  }
}
