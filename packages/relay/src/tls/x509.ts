import { webcrypto } from 'node:crypto';

/** EC P-256 with SHA-256: what every browser, phone and TLS library knows. */
export const P256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/** The library that makes certificates, loaded when the first is made: most starts of a relay make none. */
export async function loadX509(): Promise<typeof import('@peculiar/x509')> {
  await import('reflect-metadata'); // the library wants it loaded first
  const x509 = await import('@peculiar/x509');
  // Its types are a browser's; Node's WebCrypto is the same thing.
  x509.cryptoProvider.set(webcrypto as never);
  return x509;
}
