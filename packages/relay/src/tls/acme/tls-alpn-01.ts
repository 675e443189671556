import { createHash, createPrivateKey } from 'node:crypto';
import { createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';
import type { Clock } from '@perch/runtime';
import { newKeyPair } from '../ca.ts';
import { loadX509, P256 } from '../x509.ts';
import type { Proof, Prover } from './prover.ts';

/** RFC 8737 6.2: the protocol that the ACME server asks for, and nobody else. */
const ACME_TLS = 'acme-tls/1';
/** RFC 8737 6.1. */
const ACME_IDENTIFIER = '1.3.6.1.5.5.7.1.31';
const HOUR_MS = 3_600_000;

/**
 * TLS-ALPN-01 (RFC 8737): who asks for the protocol `acme-tls/1` at the relay's own port is shown a certificate that says
 * what the ACME server wants to hear. It needs no further port, and works for the relay that orders only.
 */
export class AlpnProver implements Prover {
  readonly challenge = 'tls-alpn-01';
  readonly #clock: Clock;
  readonly #shown = new Map<string, SecureContext>();

  constructor(options: { clock: Clock }) {
    this.#clock = options.clock;
  }

  async offer(proof: Proof): Promise<void> {
    this.#shown.set(proof.name, await certificateFor(proof, this.#clock));
  }

  async withdraw({ name }: Proof): Promise<void> {
    this.#shown.delete(name);
  }

  /** For a server's `ALPNCallback`: chooses the protocol, and for that of ACME the certificate too. */
  choose(socket: TLSSocket, asked: { servername: string; protocols: string[] }): string | undefined {
    if (!asked.protocols.includes(ACME_TLS)) return asked.protocols.find((name) => name === 'http/1.1');
    const shown = this.#shown.get(asked.servername.toLowerCase());
    if (!shown) return undefined;
    socket.setKeyCert(shown);
    return ACME_TLS;
  }
}

/** RFC 8737 3: self-signed, for this name alone, with the SHA-256 of the key authorization in a critical extension. */
async function certificateFor({ name, keyAuthorization }: Proof, clock: Clock): Promise<SecureContext> {
  const x509 = await loadX509();
  const { publicKey, privateKey } = newKeyPair();
  const digest = createHash('sha256').update(keyAuthorization).digest();
  // X.690 8.7: an OCTET STRING of 32 bytes.
  const identifier = Buffer.from([0x04, digest.length, ...digest]);
  const made = await x509.X509CertificateGenerator.createSelfSigned({
    notBefore: new Date(clock.wall() - HOUR_MS),
    notAfter: new Date(clock.wall() + HOUR_MS),
    signingAlgorithm: P256,
    keys: {
      publicKey: publicKey.toCryptoKey(P256, true, ['verify']),
      privateKey: createPrivateKey(privateKey).toCryptoKey(P256, false, ['sign']),
    } as never,
    extensions: [
      new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: name }]),
      new x509.Extension(ACME_IDENTIFIER, true, identifier),
    ],
  });
  return createSecureContext({ cert: made.toString('pem'), key: privateKey });
}
