import { createHmac } from 'node:crypto';

/** Makes a token as the older systems' booking servers do; with another `alg` one that lies about its signature. */
export function makeJwt(options: { secret: string; alg?: string; header?: object; claims: unknown }): string {
  const { secret, alg = 'HS256', header, claims } = options;
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${part({ alg, typ: 'JWT', ...header })}.${part(claims)}`;
  const hash = alg === 'HS384' ? 'sha384' : alg === 'HS512' ? 'sha512' : 'sha256';
  return `${text}.${createHmac(hash, secret).update(text).digest('base64url')}`;
}
