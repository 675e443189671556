import {
  createPrivateKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  X509Certificate,
} from 'node:crypto';
import { isIP } from 'node:net';
import { type Clock, type Millis, millis } from '@perch/runtime';
import { RelayError } from '../errors.ts';
import type { Database } from '../storage/database.ts';
import { NAME_CONSTRAINTS, nameConstraints, permits } from './name-constraints.ts';
import { loadX509, P256 } from './x509.ts';

/** What an authority's certificates are for. It can sign for nothing else, whoever has its key. */
export type CaUsage = 'server' | 'client';

const DAY_MS = 86_400_000;
/** An authority outlives the machines that trust it: people are asked to trust it once. */
const CA_LIFE_DAYS = 20 * 365;
/** Certificates are good from a day before they were made, for devices whose clock is behind. */
const BACKDATED_DAYS = 1;
/** RFC 5280 4.2.1.12. */
const EXTENDED_KEY_USAGE = { server: '1.3.6.1.5.5.7.3.1', client: '1.3.6.1.5.5.7.3.2' } as const;

export interface CaOptions {
  readonly database: Database;
  /** Which of the relay's authorities: its row in the database. */
  readonly name: string;
  /** What people read where it is listed; four random characters are added. */
  readonly title: string;
  readonly usage: CaUsage;
  /**
   * DNS names and addresses that it must be able to sign for. An authority for servers is good for these and for names
   * of a house only; one that lacks a name is replaced by a new one, good for the old and the new names.
   */
  readonly names?: readonly string[];
  /** What a new one is good for besides; no reason to replace one. */
  readonly furtherNames?: readonly string[];
  /** Called where one that lacked a name was replaced. */
  readonly onReplaced?: () => void;
  readonly clock: Clock;
}

export interface Subject {
  readonly commonName: string;
  readonly organization?: string;
}

export interface CertificateWanted {
  readonly subject: Subject;
  /** DNS names, addresses or URIs: its subject alternative names. */
  readonly names: readonly string[];
  /** EC P-256. From a request of somebody else: `readSigningRequest`. */
  readonly publicKey: KeyObject;
  readonly days: number;
}

export interface IssuedCertificate {
  readonly pem: string;
  /** As {@link X509Certificate.serialNumber}: upper case hex, 128 random bits, never the same twice. */
  readonly serial: string;
  readonly until: Millis;
}

/** What becomes of a certificate that somebody shows. */
export type Verdict =
  | {
      readonly kind: 'valid';
      readonly subject: Subject;
      readonly serial: string;
      readonly from: Millis;
      readonly until: Millis;
    }
  /** Another authority's, or not for this use. */
  | { readonly kind: 'foreign' }
  | { readonly kind: 'not-yet'; readonly from: Millis }
  | { readonly kind: 'expired'; readonly until: Millis };

interface Kept {
  readonly certificate: string;
  readonly key: string;
  readonly names: readonly string[];
}

/**
 * A certificate authority of the relay: its key is in the database, made by the first relay that asks, so that all that
 * share the database sign alike. The devices' authority signs certificates for clients only, the relay's own for
 * servers only, so neither can be used for the other's purpose. It holds nothing that must be closed.
 */
export class Ca {
  /** Its own certificate, PEM: for who shall trust it. */
  readonly certificate: string;
  readonly #clock: Clock;
  readonly #usage: CaUsage;
  readonly #names: readonly string[];
  readonly #x509: X509Certificate;
  readonly #key: KeyObject;

  private constructor(kept: Kept, { usage, clock, name }: CaOptions) {
    this.#clock = clock;
    this.#usage = usage;
    this.#names = kept.names;
    this.certificate = kept.certificate;
    try {
      this.#x509 = new X509Certificate(kept.certificate);
      this.#key = createPrivateKey(kept.key);
      if (!this.#x509.checkPrivateKey(this.#key)) throw new Error('the key is not that of the certificate');
    } catch (cause) {
      throw new RelayError(
        'data-damaged',
        `The relay's database holds no whole certificate authority "${name}": ${String(cause)}. Put back a copy from before.`,
        { cause },
      );
    }
  }

  /** @throws {RelayError} where the database does not answer or holds something else than the relay wrote. */
  static async open(options: CaOptions): Promise<Ca> {
    for (;;) {
      const kept = await read(options);
      const { names = [], furtherNames = [] } = options;
      if (kept && isGoodFor(kept, names, options)) return new Ca(kept, options);
      // Another relay may be as quick: the first one's stays, and it is read in the next round.
      const all = [...(kept?.names ?? []), ...names, ...furtherNames].filter((name) => !permits([], name));
      const fresh = await make([...new Set(all.map((name) => name.toLowerCase()))], options);
      if (!kept) await keep(fresh, options);
      else if (await replace(kept, fresh, options)) options.onReplaced?.();
    }
  }

  /** SHA-256 of its certificate, as browsers show it: `AB:CD:…`. */
  get fingerprint(): string {
    return this.#x509.fingerprint256;
  }

  /** Its name where people see it listed. */
  get title(): string {
    return subjectOf(this.#x509).commonName;
  }

  /** Whether it may sign for this DNS name or address. */
  mayName(name: string): boolean {
    return this.#usage === 'client' || permits(this.#names, name.toLowerCase());
  }

  /** Signs a certificate for its one usage. Who may have which is decided before. */
  async issue({ subject, names, publicKey, days }: CertificateWanted): Promise<IssuedCertificate> {
    const x509 = await loadX509();
    const now = this.#clock.wall();
    // In whole seconds, as certificates have it, and not beyond its authority.
    const until = Math.min(Math.floor((now + days * DAY_MS) / 1000) * 1000, this.#x509.validToDate.getTime());
    const authority = new x509.X509Certificate(this.certificate);
    const key = publicKey.toCryptoKey(P256, true, ['verify']) as never;
    const made = await x509.X509CertificateGenerator.create({
      serialNumber: newSerial(),
      subject: nameOf(subject),
      issuer: authority.subjectName,
      notBefore: new Date(now - BACKDATED_DAYS * DAY_MS),
      notAfter: new Date(until),
      signingAlgorithm: P256,
      publicKey: key,
      signingKey: this.#key.toCryptoKey(P256, false, ['sign']) as never,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([EXTENDED_KEY_USAGE[this.#usage]]),
        ...(names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names.map(generalName))] : []),
        await x509.SubjectKeyIdentifierExtension.create(key),
        await x509.AuthorityKeyIdentifierExtension.create(authority.publicKey),
      ],
    });
    const pem = `${made.toString('pem')}\n`;
    return { pem, serial: new X509Certificate(pem).serialNumber, until: millis(until) };
  }

  /** Whether it issued this certificate, for its usage, and for now. What was taken back since is not known here. */
  judge(certificate: X509Certificate): Verdict {
    const isOurs =
      !certificate.ca &&
      certificate.keyUsage?.includes(EXTENDED_KEY_USAGE[this.#usage]) === true &&
      certificate.checkIssued(this.#x509) &&
      certificate.verify(this.#x509.publicKey);
    if (!isOurs) return { kind: 'foreign' };
    const now = this.#clock.wall();
    const from = millis(certificate.validFromDate.getTime());
    const until = millis(certificate.validToDate.getTime());
    if (now < from) return { kind: 'not-yet', from };
    if (now > until) return { kind: 'expired', until };
    return { kind: 'valid', subject: subjectOf(certificate), serial: certificate.serialNumber, from, until };
  }
}

/** A new key pair that {@link Ca.issue} signs for, and its private half as PEM (PKCS #8). */
export function newKeyPair(): { publicKey: KeyObject; privateKey: string } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { publicKey, privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

async function read({ database, name }: CaOptions): Promise<Kept | undefined> {
  const sql = 'SELECT certificate, private_key, names FROM certificate_authorities WHERE name = ?';
  const [kept] = await database.query(sql, [name], (row) => ({
    certificate: row.text('certificate'),
    key: row.text('private_key'),
    names: row.text('names').split(' ').filter(Boolean),
  }));
  return kept;
}

async function keep({ certificate, key, names }: Kept, { database, name, clock }: CaOptions): Promise<void> {
  await database.execute(
    'INSERT INTO certificate_authorities (name, certificate, private_key, names, created) VALUES (?, ?, ?, ?, ?) ON CONFLICT (name) DO NOTHING',
    [name, certificate, key, names.join(' '), Math.floor(clock.wall())],
  );
}

/** @returns false where another relay was quicker. */
async function replace(old: Kept, fresh: Kept, { database, name, clock }: CaOptions): Promise<boolean> {
  const replaced = await database.execute(
    'UPDATE certificate_authorities SET certificate = ?, private_key = ?, names = ?, created = ? WHERE name = ? AND certificate = ?',
    [fresh.certificate, fresh.key, fresh.names.join(' '), Math.floor(clock.wall()), name, old.certificate],
  );
  return replaced === 1;
}

function isGoodFor(kept: Kept, names: readonly string[], { usage }: CaOptions): boolean {
  return usage === 'client' || names.every((name) => permits(kept.names, name.toLowerCase()));
}

async function make(names: readonly string[], { title, usage, clock }: CaOptions): Promise<Kept> {
  const x509 = await loadX509();
  const { publicKey, privateKey } = newKeyPair();
  const keys = {
    publicKey: publicKey.toCryptoKey(P256, true, ['verify']),
    privateKey: createPrivateKey(privateKey).toCryptoKey(P256, false, ['sign']),
  };
  const now = clock.wall();
  const { keyCertSign, cRLSign } = x509.KeyUsageFlags;
  const made = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: newSerial(),
    name: nameOf({ commonName: `${title} ${randomBytes(2).toString('hex')}` }),
    notBefore: new Date(now - BACKDATED_DAYS * DAY_MS),
    notAfter: new Date(now + CA_LIFE_DAYS * DAY_MS),
    signingAlgorithm: P256,
    keys: keys as never,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(keyCertSign | cRLSign, true),
      // In an authority's certificate it binds all that the authority signs.
      new x509.ExtendedKeyUsageExtension([EXTENDED_KEY_USAGE[usage]]),
      ...(usage === 'server' ? [new x509.Extension(NAME_CONSTRAINTS, true, nameConstraints(names))] : []),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey as never),
    ],
  });
  return { certificate: `${made.toString('pem')}\n`, key: privateKey, names };
}

/** RFC 5280 4.1.2.2: positive, so the first bit is 0; and not 0 in the first byte, so that it is written in full. */
function newSerial(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] as number) & 0x7f) | 0x40;
  return bytes.toString('hex');
}

const nameOf = ({ commonName, organization }: Subject) => [
  ...(organization === undefined ? [] : [{ O: [organization] }]),
  { CN: [commonName] },
];

function subjectOf(certificate: X509Certificate): Subject {
  const { CN, O } = certificate.toLegacyObject().subject;
  return { commonName: first(CN), ...(O !== undefined && { organization: first(O) }) };
}

const first = (value: string | string[] | undefined): string =>
  (Array.isArray(value) ? value[0] : value) ?? '';

function generalName(value: string) {
  if (isIP(value)) return { type: 'ip' as const, value };
  return /^[a-z][a-z0-9+.-]*:/.test(value)
    ? { type: 'url' as const, value }
    : { type: 'dns' as const, value };
}
