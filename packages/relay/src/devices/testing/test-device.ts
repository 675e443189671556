import { createPrivateKey, type KeyObject, sign, X509Certificate } from 'node:crypto';
import { newKeyPair } from '../../tls/ca.ts';
import { loadX509, P256 } from '../../tls/x509.ts';

/** A request for a certificate as a device makes it. */
export async function signingRequest(keys: { publicKey: KeyObject; privateKey: string }): Promise<string> {
  const x509 = await loadX509();
  const pair = {
    publicKey: keys.publicKey.toCryptoKey(P256, true, ['verify']),
    privateKey: createPrivateKey(keys.privateKey).toCryptoKey(P256, false, ['sign']),
  };
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: 'CN=device',
    keys: pair as never,
    signingAlgorithm: P256,
  });
  return request.toString('pem');
}

/** A device of a test: its key never leaves it. */
export class TestDevice {
  readonly id: string;
  readonly key: string;
  readonly certificate: string;

  constructor(options: { id: string; key: string; certificate: string }) {
    this.id = options.id;
    this.key = options.key;
    this.certificate = options.certificate;
  }

  /** @throws with what the relay says where it refuses. */
  static async enrol(url: string, code: string): Promise<TestDevice> {
    const keys = newKeyPair();
    const answer = await fetch(`${url}/api/v1/enroll`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ code, csr: await signingRequest(keys) }),
    });
    const body = (await answer.json()) as { device: string; certificate: string; message: string };
    if (answer.status !== 201) throw new Error(`HTTP ${answer.status}: ${body.message}`);
    return new TestDevice({ id: body.device, key: keys.privateKey, certificate: body.certificate });
  }

  /** The header that shows who it is, once. */
  async authorization(url: string): Promise<{ Authorization: string }> {
    const answer = await fetch(`${url}/api/v1/devices/challenge`);
    const { nonce } = (await answer.json()) as { nonce: string };
    return { Authorization: this.sign(nonce) };
  }

  sign(nonce: string): string {
    const der = new X509Certificate(this.certificate).raw.toString('base64url');
    const signature = sign('sha256', Buffer.from(`perch-device\n${nonce}`), this.key);
    return `Perch-Device ${der}.${nonce}.${signature.toString('base64url')}`;
  }
}
