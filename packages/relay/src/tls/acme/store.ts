import { X509Certificate } from 'node:crypto';
import { type Clock, type Millis, millis } from '@perch/runtime';
import type { Database } from '../../storage/database.ts';
import { newKeyPair } from '../ca.ts';
import type { ServerCertificate } from '../certificate.ts';

/** An answer to a challenge is asked for within seconds. */
const ANSWER_LIFE_MS = 3_600_000;
/** Anybody may ask for one: the database has other things to do. */
const MOST_QUESTIONS = 8;

/** A certificate that was got, and from when to when it is good. */
export interface KeptCertificate extends ServerCertificate {
  readonly from: Millis;
  readonly until: Millis;
}

/**
 * What ACME needs to remember, in the database: relays that share it share account and certificate, only one of them
 * orders at a time, and each can answer for the one that does.
 */
export class AcmeStore {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #node: string;
  readonly #directory: string;
  readonly #id: string;
  /** What this relay itself is asked about now. */
  readonly #answers = new Map<string, string>();
  #questions = 0;

  /** @param options.node this relay's name among those that share the database. */
  constructor(options: {
    database: Database;
    clock: Clock;
    node: string;
    directory: string;
    names: readonly string[];
  }) {
    this.#database = options.database;
    this.#clock = options.clock;
    this.#node = options.node;
    this.#directory = options.directory;
    this.#id = [options.directory, ...[...options.names].sort()].join(' ');
  }

  /** The account's private key, PEM; made once. */
  async accountKey(): Promise<string> {
    const read = () =>
      this.#database.query(
        'SELECT private_key FROM acme_accounts WHERE directory = ?',
        [this.#directory],
        (row) => row.text('private_key'),
      );
    const [kept] = await read();
    if (kept !== undefined) return kept;
    await this.#database.execute(
      'INSERT INTO acme_accounts (directory, private_key, created) VALUES (?, ?, ?) ON CONFLICT (directory) DO NOTHING',
      [this.#directory, newKeyPair().privateKey, this.#now()],
    );
    return (await read())[0] as string;
  }

  /** The last certificate that was got for these names, by whichever relay. */
  async certificate(): Promise<KeptCertificate | undefined> {
    const [kept] = await this.#database.query(
      'SELECT certificate, private_key FROM acme_certificates WHERE id = ? AND certificate IS NOT NULL',
      [this.#id],
      (row) => ({ cert: row.text('certificate'), key: row.text('private_key') }),
    );
    return kept && dated(kept);
  }

  async keep(certificate: ServerCertificate): Promise<KeptCertificate> {
    await this.#database.execute(
      'UPDATE acme_certificates SET certificate = ?, private_key = ?, turn_until = 0 WHERE id = ?',
      [certificate.cert, certificate.key, this.#id],
    );
    return dated(certificate);
  }

  /** Makes it our turn to order, until then, if it is nobody else's. */
  async takeTurn(until: Millis): Promise<boolean> {
    await this.#database.execute(
      "INSERT INTO acme_certificates (id, turn_of, turn_until) VALUES (?, '', 0) ON CONFLICT (id) DO NOTHING",
      [this.#id],
    );
    const taken = await this.#database.execute(
      'UPDATE acme_certificates SET turn_of = ?, turn_until = ? WHERE id = ? AND (turn_until <= ? OR turn_of = ?)',
      [this.#node, Math.floor(until), this.#id, this.#now(), this.#node],
    );
    return taken === 1;
  }

  /** What to answer who asks for this challenge's token; where many ask at once only those about our own orders learn. */
  async answer(token: string): Promise<string | undefined> {
    const own = this.#answers.get(token);
    if (own !== undefined || this.#questions >= MOST_QUESTIONS) return own;
    this.#questions++;
    try {
      const [answer] = await this.#database.query(
        'SELECT answer FROM acme_answers WHERE token = ? AND expires > ?',
        [token, this.#now()],
        (row) => row.text('answer'),
      );
      return answer;
    } finally {
      this.#questions--;
    }
  }

  async keepAnswer(token: string, answer: string): Promise<void> {
    this.#answers.set(token, answer);
    await this.#database.execute('DELETE FROM acme_answers WHERE token = ? OR expires <= ?', [
      token,
      this.#now(),
    ]);
    await this.#database.execute('INSERT INTO acme_answers (token, answer, expires) VALUES (?, ?, ?)', [
      token,
      answer,
      this.#now() + ANSWER_LIFE_MS,
    ]);
  }

  async dropAnswer(token: string): Promise<void> {
    this.#answers.delete(token);
    await this.#database.execute('DELETE FROM acme_answers WHERE token = ?', [token]);
  }

  #now(): number {
    return Math.floor(this.#clock.wall());
  }
}

function dated(certificate: ServerCertificate): KeptCertificate {
  const { validFromDate, validToDate } = new X509Certificate(certificate.cert);
  return { ...certificate, from: millis(validFromDate.getTime()), until: millis(validToDate.getTime()) };
}
