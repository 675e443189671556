import { createPublicKey, type KeyObject } from 'node:crypto';
import { loadX509 } from './x509.ts';

/** A request in PEM takes some 500 bytes; this is room for what others put in. */
const MOST_CHARS = 8_192;

/** What became of a request for a certificate. */
export type SigningRequest =
  | { readonly kind: 'good'; readonly publicKey: KeyObject }
  /** @property why for whoever sent it. */
  | { readonly kind: 'bad'; readonly why: string };

/**
 * Reads a request for a certificate (PKCS #10, RFC 2986) in PEM: whoever sent it has the private key, which is an EC
 * P-256 one. The names in it say nothing: the relay knows whom it gives a certificate.
 */
export async function readSigningRequest(pem: string): Promise<SigningRequest> {
  if (pem.length > MOST_CHARS) return bad(`the request has more than ${MOST_CHARS} characters`);
  const x509 = await loadX509();
  try {
    const request = new x509.Pkcs10CertificateRequest(pem);
    const publicKey = createPublicKey({
      key: Buffer.from(request.publicKey.rawData),
      format: 'der',
      type: 'spki',
    });
    if (publicKey.asymmetricKeyDetails?.namedCurve !== 'prime256v1') return bad('the key must be EC P-256');
    if (!(await request.verify())) return bad('the request is not signed by its own key');
    return { kind: 'good', publicKey };
  } catch {
    return bad('this is no request for a certificate (PKCS #10 in PEM)');
  }
}

const bad = (why: string): SigningRequest => ({ kind: 'bad', why });
