import { X509Certificate } from 'node:crypto';
import { createSecureContext, rootCertificates } from 'node:tls';
import type { Ca } from './ca.ts';

/** What the relay shows to whoever connects, and the key to it. */
export interface ServerCertificate {
  /** PEM: its own certificate first, then those of who signed it. */
  readonly cert: string;
  /** PEM. */
  readonly key: string;
  /** The relay's own authority, where that signed it. */
  readonly authority?: Ca;
}

/** Where certificates come from: the first at once, later ones as the old ones age. */
export interface CertificateSource extends AsyncDisposable {
  /**
   * Hands out the certificate to begin with before it resolves, then each that follows it, until it is closed.
   *
   * @throws {RelayError} where there is none to begin with.
   */
  start(use: (certificate: ServerCertificate) => void): Promise<void>;
  /** Hands out no more. Idempotent. */
  close(): Promise<void>;
}

/** @throws where the two are no certificate and its key in PEM. */
export function checkPair({ cert, key }: ServerCertificate): void {
  createSecureContext({ cert, key });
}

/** In a line: whose it is, by whom, until when. */
export function certificateInWords(pem: string): string {
  const [own] = chainOf(pem);
  if (!own) return 'none';
  const names = (own.subjectAltName ?? own.subject).replaceAll(/(DNS|IP Address):/g, '');
  return `${names}; by ${commonNameOf(own.issuer)}; until ${own.validToDate.toISOString()}`;
}

/** The certificates of a PEM text, in its order. @throws where one is none. */
export const chainOf = (pem: string): X509Certificate[] =>
  (pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map(
    (text) => new X509Certificate(text),
  );

/**
 * Whether browsers take it without a word: its chain ends at an authority of the list that Node has from Mozilla.
 * Without this nobody could go on past a browser's warning once `Strict-Transport-Security` was seen.
 */
export function isPubliclyTrusted(pem: string): boolean {
  const [own, ...others] = chainOf(pem);
  let last = own;
  for (const next of others) if (last && isSignedBy(last, next)) last = next;
  if (!last) return false;
  const signed = last;
  const issuer = commonNameOf(signed.issuer);
  return rootCertificates.some((text) => {
    const root = new X509Certificate(text);
    return commonNameOf(root.subject) === issuer && isSignedBy(signed, root);
  });
}

const isSignedBy = (certificate: X509Certificate, by: X509Certificate): boolean =>
  certificate.checkIssued(by) && certificate.verify(by.publicKey);

const commonNameOf = (name: string): string => /(?:^|\n)(?:CN|OU)=(.*)/.exec(name)?.[1] ?? name;
