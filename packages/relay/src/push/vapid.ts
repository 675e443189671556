// RFC 8292, Voluntary Application Server Identification: who sends a push signs for it.
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { Clock } from '@perch/runtime';
import { RelayError } from '../errors.ts';
import type { Database } from '../storage/database.ts';

const NAME = 'vapid';
/** RFC 8292 2: at most 24 hours. Half of that leaves room for clocks that are wrong. */
const LIFE_MS = 12 * 3_600_000;
/** A signature is used again for the same push service until so much of its time is over. */
const REUSED_MS = 3_600_000;
const MOST_REUSED = 100;

export interface VapidOptions {
  readonly database: Database;
  /** The relay's own address. Asked for when something is signed. */
  readonly contact: () => string;
  readonly clock: Clock;
}

/**
 * The key that the relay signs pushes with. It is in the database, made by the first relay that starts, so that all that
 * share the database sign alike and a browser's subscription holds for each. It holds nothing that must be closed.
 */
export class Vapid {
  /** The public half, as browsers want it: an uncompressed point, base64url. */
  readonly publicKey: string;
  readonly #key: KeyObject;
  readonly #options: VapidOptions;
  /** Push service → what was signed for it, and when. */
  readonly #signed = new Map<string, { readonly at: number; readonly header: string }>();

  /** @throws {RelayError} where the database does not answer or holds something else than the relay wrote. */
  static async open(options: VapidOptions): Promise<Vapid> {
    const { database, clock } = options;
    const select = 'SELECT private_key FROM push_keys WHERE name = ?';
    const read = () => database.query(select, [NAME], (row) => row.text('private_key'));
    let [pem] = await read();
    if (pem === undefined) {
      const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const made = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
      // Another relay may be as quick: the first one's stays.
      const insert = `INSERT INTO push_keys (name, private_key, created) VALUES (?, ?, ?)
        ON CONFLICT (name) DO NOTHING`;
      await database.execute(insert, [NAME, made, Math.floor(clock.wall())]);
      [pem = ''] = await read();
    }
    return new Vapid(pem, options);
  }

  private constructor(pem: string, options: VapidOptions) {
    this.#options = options;
    try {
      this.#key = createPrivateKey(pem);
      const { x = '', y = '' } = createPublicKey(this.#key).export({ format: 'jwk' });
      const point = [Buffer.from([4]), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')];
      this.publicKey = Buffer.concat(point).toString('base64url');
    } catch (cause) {
      const message = `The relay's database holds no whole key for Web Push: ${String(cause)}. Put back a copy from before.`;
      throw new RelayError('data-damaged', message, { cause });
    }
  }

  /** The `Authorization` for a push service. @param origin such as `https://push.example`. */
  authorization(origin: string): string {
    const now = this.#options.clock.wall();
    const known = this.#signed.get(origin);
    if (known && now - known.at < REUSED_MS && now >= known.at) return known.header;
    const claims = {
      aud: origin,
      exp: Math.floor((now + LIFE_MS) / 1_000),
      sub: subjectOf(this.#options.contact()),
    };
    const text = `${encode({ typ: 'JWT', alg: 'ES256' })}.${encode(claims)}`;
    // RFC 7518 3.4: the two numbers of the signature side by side, no DER.
    const signature = sign('sha256', Buffer.from(text), { key: this.#key, dsaEncoding: 'ieee-p1363' });
    const header = `vapid t=${text}.${signature.toString('base64url')}, k=${this.publicKey}`;
    const [oldest] = this.#signed.keys();
    if (this.#signed.size >= MOST_REUSED && oldest !== undefined) this.#signed.delete(oldest);
    this.#signed.delete(origin);
    this.#signed.set(origin, { at: now, header });
    return header;
  }
}

/** RFC 8292 2.1: an https or mailto address. Apple's service takes no other, and no localhost. */
const subjectOf = (address: string): string =>
  address.startsWith('https:') && !/\/\/localhost\b/.test(address)
    ? address
    : 'mailto:perch@localhost.invalid';

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
