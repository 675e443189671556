import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  webcrypto,
  X509Certificate,
} from 'node:crypto';

const P256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/** A new key pair's private half, EC P-256, as PEM (PKCS #8). */
export function newDeviceKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** A request for a certificate (PKCS #10, PEM): it shows that its sender has the key, and says no more. */
export async function signingRequest(key: string): Promise<string> {
  await import('reflect-metadata'); // the library wants it loaded first
  const x509 = await import('@peculiar/x509');
  // Its types are a browser's; Node's WebCrypto is the same thing.
  x509.cryptoProvider.set(webcrypto as never);
  const keys = {
    publicKey: createPublicKey(key).toCryptoKey(P256, true, ['verify']),
    privateKey: createPrivateKey(key).toCryptoKey(P256, false, ['sign']),
  };
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: 'CN=Perch device',
    keys: keys as never,
    signingAlgorithm: P256,
  });
  return `${request.toString('pem')}\n`;
}

/** Whether the certificate is for this key. @throws where it is none. */
export const isFor = (certificate: string, key: string): boolean =>
  new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key));
