import { webcrypto, X509Certificate } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';

const DAY_MS = 24 * 3_600_000;
/** Browsers refuse certificates that are good for longer than this. */
const LIFE_MS = 397 * DAY_MS;
/** A kept one must be good for so long yet. */
const REST_MS = 30 * DAY_MS;

/**
 * A certificate for these names and addresses and for loopback, signed by itself, and its key: kept as PEM files in the data directory,
 * so that a browser has to be told only once, and made again when it lacks a name or is about to expire.
 */
export async function selfMadeCertificate(options: {
  data: string;
  names: readonly string[];
}): Promise<{ cert: string; key: string }> {
  const { data } = options;
  const names = [...new Set([...options.names, 'localhost', '127.0.0.1'])];
  const paths = {
    cert: join(data, 'self-made-certificate.pem'),
    key: join(data, 'self-made-certificate.key'),
  };
  if (await isStillGood(paths.cert, names)) return paths;
  const made = await makeCertificate(names);
  await mkdir(data, { recursive: true, mode: 0o700 });
  for (const part of ['key', 'cert'] as const) {
    await writeFile(`${paths[part]}.new`, made[part], { mode: 0o600 });
    await rename(`${paths[part]}.new`, paths[part]);
  }
  return paths;
}

async function isStillGood(path: string, names: readonly string[]): Promise<boolean> {
  try {
    const certificate = new X509Certificate(await readFile(path));
    const has = (name: string) =>
      (isIP(name) ? certificate.checkIP(name) : certificate.checkHost(name)) !== undefined;
    return names.every(has) && Date.parse(certificate.validTo) > Date.now() + REST_MS;
  } catch {
    return false; // none yet, or none that can be read: a new one is made
  }
}

async function makeCertificate(names: readonly string[]): Promise<{ cert: string; key: string }> {
  await import('reflect-metadata'); // the certificate package wants it loaded first
  const x509 = await import('@peculiar/x509');
  x509.cryptoProvider.set(webcrypto as never);
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=Perch',
    notBefore: new Date(Date.now() - DAY_MS),
    notAfter: new Date(Date.now() + LIFE_MS),
    signingAlgorithm: algorithm,
    keys: keys as never,
    extensions: [
      new x509.SubjectAlternativeNameExtension(
        names.map((value) => ({ type: isIP(value) ? ('ip' as const) : ('dns' as const), value })),
      ),
      new x509.BasicConstraintsExtension(true, undefined, true),
    ],
  });
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  return {
    cert: `${certificate.toString('pem')}\n`,
    key: `-----BEGIN PRIVATE KEY-----\n${pkcs8.replace(/.{64}/g, '$&\n').trimEnd()}\n-----END PRIVATE KEY-----\n`,
  };
}
